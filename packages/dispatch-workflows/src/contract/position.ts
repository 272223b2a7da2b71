/**
 * Where a row stands in the order of insertion: a decimal number of up to 20 digits, as text because it exceeds
 * what a double holds exactly. Compare with `comparePositions`.
 */
export type Position = string;

/** Orders two positions: negative, zero or positive, as for `Array.prototype.sort`. */
export function comparePositions(a: Position, b: Position): number {
  if (a.length !== b.length) return a.length - b.length;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** A position carries the millisecond of its insertion above this many lower bits (ClickHouse's snowflake ids). */
const TIME_SHIFT = 22n;

/** The lowest position of a millisecond. */
export function positionAt(at: number): Position {
  return (BigInt(Math.max(0, Math.trunc(at))) << TIME_SHIFT).toString();
}

/** The millisecond of a position. */
export function timeOf(position: Position): number {
  return Number(BigInt(position) >> TIME_SHIFT);
}

/** The position that lies `durationMs` before another; never below 0. */
export function positionBefore(position: Position, durationMs: number): Position {
  const earlier = BigInt(position) - (BigInt(Math.trunc(durationMs)) << TIME_SHIFT);
  return (earlier > 0n ? earlier : 0n).toString();
}
