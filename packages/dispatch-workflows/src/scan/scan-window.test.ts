import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ScanState } from '../contract/scan-state.ts';
import { positionAt } from '../contract/position.ts';
import { compareRows, ScanWindow, type RowKey } from './scan-window.ts';

const row = (at: number, eventId = `e${at}`): RowKey => ({ position: positionAt(at), eventId });
const begin = (at: number): ScanState => ({ cursor: { position: positionAt(at), eventId: '' }, seen: '' });
const options = { overlapMs: 1000, maxRows: 100 };
/** A window as the next scan gets it: through the state that the orchestrator carried. */
const carried = (window: ScanWindow, other = options): ScanWindow => new ScanWindow(window.state, other);

describe('a scan window', () => {
  test('begins the overlap before the cursor and knows what it has seen there', () => {
    const window = new ScanWindow(begin(0), options);
    window.advance([row(5000), row(6000)], new Set(), 6000);
    const next = carried(window);
    expect(next.state.cursor).toEqual(row(6000));
    expect(next.start.position).toBe(positionAt(5000));
    expect(next.isSeen(row(6000))).toBe(true);
    expect(next.isSeen(row(6000, 'late'))).toBe(false);
  });

  test('stays before the earliest failed row, and remembers those after it that went well', () => {
    const rows = [row(1000), row(2000), row(3000), row(4000)];
    const window = new ScanWindow(begin(0), options);
    window.advance(rows, new Set([rows[1] as RowKey]), 4000);
    expect(window.state.cursor).toEqual(row(1000));
    const next = carried(window);
    expect(rows.map((each) => next.isSeen(each))).toEqual([true, false, true, true]);
  });

  test('goes back for a late row of the overlap that failed', () => {
    const window = new ScanWindow(begin(0), options);
    window.advance([row(5000)], new Set(), 5000);
    const late = row(4500);
    window.advance([late], new Set([late]), 5000);
    expect(compareRows(window.start, late)).toBeLessThan(0);
    expect(comparedTo(window, late)).toBe(true);
  });

  test('moves on with the time, so that it does not wait for the next row, and reads a whole overlap again', () => {
    const window = new ScanWindow(begin(0), options);
    window.advance([row(5000)], new Set(), 5000);
    window.passTime(5500);
    expect(window.state.cursor).toEqual(row(5000));
    window.passTime(60_000);
    const next = carried(window);
    expect(next.state.cursor.position).toBe(positionAt(59_000));
    expect(next.start.position).toBe(positionAt(58_000));
    expect(next.size).toBe(0);
  });

  test('forgets rows before the overlap', () => {
    const window = new ScanWindow(begin(0), options);
    window.advance([row(1000), row(5000)], new Set(), 5000);
    expect(window.size).toBe(1);
  });

  test('never begins after rows between which others can still become visible, however many there are', () => {
    const small = { overlapMs: 10_000, maxRows: 5000 };
    // 6,000 rows in 0.6 s, and one that becomes visible 0.55 s late.
    const rows = Array.from({ length: 6000 }, (_, index) => row(10_000 + index / 10, `e${index}`));
    const window = new ScanWindow(begin(9000), small);
    window.advance(rows, new Set(), 10_600);
    const next = carried(window, small);
    const late = row(10_050, 'late');
    expect(compareRows(next.start, late)).toBeLessThan(0);
    expect(next.isSeen(late)).toBe(false);
    expect(rows.every((each) => next.isSeen(each))).toBe(true);
    // Once they are old enough, they are forgotten.
    next.advance([late], new Set(), 20_600);
    expect(next.size).toBeLessThanOrEqual(5000);
  });

  test('is bounded: beyond the bound it begins after the oldest rows that it forgot', () => {
    const small = { overlapMs: 60_000, maxRows: 10 };
    const rows = Array.from({ length: 50 }, (_, index) => row(10_000 + index));
    const window = new ScanWindow(begin(9000), small);
    window.advance(rows, new Set(), 80_000);
    expect(window.size).toBe(10);
    const next = carried(window, small);
    const read = rows.filter((each) => compareRows(each, next.start) > 0);
    expect(read).toHaveLength(10);
    expect(read.every((each) => next.isSeen(each))).toBe(true);
    expect(window.state.seen.length).toBeLessThan(400);
  });
});

function comparedTo(window: ScanWindow, late: RowKey): boolean {
  return compareRows({ ...window.state.cursor }, late) < 0;
}

test('no row that is visible within the overlap is ever missed, whatever fails', () => {
  const scenario = fc.array(
    fc.record({
      /** Rows that become visible before this scan: how far behind the newest they lie. */
      rows: fc.array(fc.nat(900), { maxLength: 5 }),
      fails: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
    }),
    { maxLength: 15 },
  );
  fc.assert(
    fc.property(scenario, fc.constantFrom(3, 1000), (scans, maxRows) => {
      const visible: RowKey[] = [];
      const done = new Set<string>();
      let state = begin(0);
      let clock = 10_000;
      let id = 0;
      const scan = (fails: readonly boolean[]): void => {
        const window = new ScanWindow(state, { overlapMs: 1000, maxRows });
        const read = visible
          .filter((each) => compareRows(each, window.start) > 0 && !window.isSeen(each))
          .toSorted(compareRows);
        const failed = new Set(read.filter((_, index) => fails[index] === true));
        for (const each of read) if (!failed.has(each)) done.add(each.eventId);
        window.advance(read, failed, clock);
        ({ state } = window);
      };
      for (const { rows, fails } of scans) {
        clock += 50;
        for (const behind of rows) visible.push(row(clock - behind, `r${id++}`));
        scan(fails);
      }
      scan([]);
      expect(visible.filter(({ eventId }) => !done.has(eventId))).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
