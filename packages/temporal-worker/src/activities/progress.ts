import * as v from 'valibot';

/** How far an attempt is, and where another one can go on. */
export interface Progress<TCursor> {
  /** From 0 to 100. */
  readonly percent?: number;
  /** Records that are done. */
  readonly records?: number;
  /** Where another attempt goes on; absent: at the beginning. */
  readonly cursor?: TCursor;
  /** Where a person can watch the work, with http or https and without credentials. */
  readonly statusUrl?: string;
}

/** The heartbeat details of a long job: what a person and the next attempt read. */
export interface ProgressDetails extends Progress<unknown> {
  readonly kind: 'heliograph.progress';
  /** When it was saved, in milliseconds since 1970. A heartbeat that only repeats it is later. */
  readonly savedAt: number;
}

/** Everything that a heartbeat carries stays in the server's memory; more than this belongs into a table. */
export const MAX_CURSOR_BYTES = 16_384;

const schema = v.object({
  kind: v.literal('heliograph.progress'),
  savedAt: v.pipe(v.number(), v.finite()),
  percent: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(100))),
  records: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  cursor: v.optional(v.unknown()),
  statusUrl: v.optional(
    v.pipe(v.string(), v.maxLength(2048), v.check(isStatusUrl, 'expected http(s)://… without credentials')),
  ),
});

/** Reads heartbeat details; null for none, and for what is not a progress. */
export function readProgress(details: unknown): ProgressDetails | null {
  const parsed = v.safeParse(schema, details);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- optional members are absent, never undefined
  return parsed.success ? (parsed.output as ProgressDetails) : null;
}

/**
 * Makes heartbeat details of a progress.
 *
 * @throws {TypeError} that names the member which does not fit
 */
export function writeProgress<T>(
  progress: Progress<T>,
  cursorSchema: v.GenericSchema<unknown, T>,
  now: number,
): ProgressDetails {
  const details = { ...progress, kind: 'heliograph.progress', savedAt: now };
  const parsed = v.safeParse(schema, details);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new TypeError(`progress: ${v.getDotPath(issue) ?? ''}: ${issue.message}`);
  }
  if (progress.cursor !== undefined) assertCursor(progress.cursor, cursorSchema);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- optional members are absent, never undefined
  return parsed.output as ProgressDetails;
}

function assertCursor<T>(cursor: T, cursorSchema: v.GenericSchema<unknown, T>): void {
  const text = JSON.stringify(cursor) ?? '';
  if (new TextEncoder().encode(text).length > MAX_CURSOR_BYTES)
    throw new TypeError(`progress: cursor: it is larger than ${MAX_CURSOR_BYTES} bytes`);
  // As the next attempt will read it: what does not survive JSON is found here, not after a crash.
  if (text === '' || !v.is(cursorSchema, JSON.parse(text)))
    throw new TypeError('progress: cursor: it does not fit its schema once it has been through JSON');
}

function isStatusUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}
