import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Position } from '../contract/position.ts';
import type { ScanCursor, ScanState } from '../contract/scan-state.ts';
import { comparePositions, positionAt, positionBefore } from '../contract/position.ts';

/** A row as far as the window needs it. */
export type RowKey = ScanCursor;

const ENTRY_BYTES = 12;

/**
 * The rows at the end of what was read so far. A row gets its position when it is written and becomes visible a
 * little later, so the last stretch is read again; rows of it that were dispatched are remembered here. Beyond `maxRows`
 * the oldest are forgotten, and the stretch begins after them: but only rows that were `overlapMs` old when they were
 * read, so that none can still become visible between them. Whoever scans takes few rows while more are remembered.
 *
 * A row is sent twice at worst, and the alert stream ignores what is not newer.
 */
export class ScanWindow {
  readonly #overlapMs: number;
  readonly #maxRows: number;
  #cursor: ScanCursor;
  #floor: ScanCursor;
  #seen: Map<string, RowKey | { readonly position: Position }>;

  constructor(state: ScanState, options: { readonly overlapMs: number; readonly maxRows: number }) {
    this.#overlapMs = options.overlapMs;
    this.#maxRows = options.maxRows;
    this.#cursor = state.cursor;
    const { floor, seen } = unpack(state.seen);
    this.#floor = floor;
    this.#seen = seen;
  }

  /** Where the next scan begins: everything strictly after this. */
  get start(): ScanCursor {
    const overlap: ScanCursor = {
      position: positionBefore(this.#cursor.position, this.#overlapMs),
      eventId: '',
    };
    return compareRows(overlap, this.#floor) < 0 ? this.#floor : overlap;
  }

  /** Tells whether a row was dispatched already. */
  isSeen(row: RowKey): boolean {
    return this.#seen.has(keyOf(row));
  }

  /**
   * Moves on after a scan. `read` are the rows that were taken, in order; those of them in `failed` were not
   * dispatched wholly, and the cursor stays before the earliest of them. `readAt` is when reading began, in milliseconds
   * since the epoch.
   */
  advance(read: readonly RowKey[], failed: ReadonlySet<RowKey>, readAt: number): void {
    for (const row of read) if (!failed.has(row)) this.#seen.set(keyOf(row), row);
    const earliestFailed = read.find((row) => failed.has(row));
    // Strictly by position: the floor may later stand at the cursor, and it covers a whole position.
    const passed = read.findLast(
      (row) => earliestFailed === undefined || comparePositions(row.position, earliestFailed.position) < 0,
    );
    if (passed !== undefined && compareRows(passed, this.#cursor) > 0) {
      this.#cursor = { position: passed.position, eventId: passed.eventId };
    }
    if (earliestFailed !== undefined && compareRows(earliestFailed, this.#cursor) <= 0) {
      this.#cursor = { position: previous(earliestFailed.position), eventId: '' };
    }
    this.#forget(readAt);
  }

  /**
   * Moves on with the time: all that there was at `readAt` has been read and dispatched. So the cursor does not wait for the
   * next row, and whatever becomes visible behind it against every limit can be looked for.
   */
  passTime(readAt: number): void {
    const position = positionAt(readAt - this.#overlapMs);
    if (comparePositions(position, this.#cursor.position) > 0) this.#cursor = { position, eventId: '' };
    this.#forget(readAt);
  }

  /** The state that the orchestrator carries over. */
  get state(): ScanState {
    return { cursor: this.#cursor, seen: pack(this.#floor, this.#seen) };
  }

  /** How many rows are remembered. */
  get size(): number {
    return this.#seen.size;
  }

  #forget(readAt: number): void {
    const { start } = this;
    const entries = [...this.#seen].filter(([, row]) => comparePositions(row.position, start.position) >= 0);
    const surplus = entries.length - this.#maxRows;
    if (surplus > 0) {
      entries.sort(([, a], [, b]) => comparePositions(a.position, b.position));
      const wanted = entries[surplus - 1]?.[1].position ?? start.position;
      const settled = earlier(this.#cursor.position, positionAt(readAt - this.#overlapMs));
      // Nothing at or below the cursor may be skipped that failed: the floor never passes the cursor.
      const floor = earlier(wanted, settled);
      const kept = entries.filter(([, row]) => comparePositions(row.position, floor) > 0);
      if (kept.length < entries.length) this.#floor = { position: floor, eventId: LAST_EVENT_ID };
      this.#seen = new Map(kept);
      return;
    }
    this.#seen = new Map(entries);
  }
}

function earlier(a: Position, b: Position): Position {
  return comparePositions(a, b) < 0 ? a : b;
}

/** Sorts after every event id. */
const LAST_EVENT_ID = '\u{10FFFF}';

/** Orders rows as a scan reads them. */
export function compareRows(a: RowKey, b: RowKey): number {
  const byPosition = comparePositions(a.position, b.position);
  if (byPosition !== 0) return byPosition;
  return a.eventId === b.eventId ? 0 : a.eventId < b.eventId ? -1 : 1;
}

function previous(position: Position): Position {
  const value = BigInt(position);
  return (value > 0n ? value - 1n : 0n).toString();
}

function keyOf({ position, eventId }: RowKey): string {
  return `${position}:${createHash('sha256').update(eventId).digest().readUInt32BE(0)}`;
}

/** Twelve bytes an entry (position, hash of the event id), the floor first, deflated. */
function pack(floor: ScanCursor, seen: ReadonlyMap<string, unknown>): string {
  if (seen.size === 0 && floor.position === '0') return '';
  const bytes = Buffer.alloc((seen.size + 1) * ENTRY_BYTES);
  bytes.writeBigUInt64BE(BigInt(floor.position), 0);
  let at = ENTRY_BYTES;
  for (const key of [...seen.keys()].toSorted()) {
    const [position = '0', hash = '0'] = key.split(':');
    bytes.writeBigUInt64BE(BigInt(position), at);
    bytes.writeUInt32BE(Number(hash), at + 8);
    at += ENTRY_BYTES;
  }
  return deflateRawSync(bytes).toString('base64');
}

function unpack(packed: string): { floor: ScanCursor; seen: Map<string, { readonly position: Position }> } {
  const seen = new Map<string, { readonly position: Position }>();
  if (packed === '') return { floor: { position: '0', eventId: '' }, seen };
  const bytes = inflateRawSync(Buffer.from(packed, 'base64'));
  const floor = bytes.readBigUInt64BE(0).toString();
  for (let at = ENTRY_BYTES; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
    const position = bytes.readBigUInt64BE(at).toString();
    seen.set(`${position}:${bytes.readUInt32BE(at + 8)}`, { position });
  }
  return { floor: { position: floor, eventId: floor === '0' ? '' : LAST_EVENT_ID }, seen };
}
