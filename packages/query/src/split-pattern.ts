import { foldCodePoint } from './fold-ascii.ts';
import type { Pattern } from './query.ts';

/** Stands for `?` among the code points of a segment. */
export const ANY_ONE = -1;

/** The code points between two `*` of a pattern; `ANY_ONE` for a `?`. */
export type Segment = readonly number[];

/** A pattern, split at its `*`. */
export interface SplitPattern {
  /** The least length of a value that matches, in code points. */
  readonly minLength: number;
  /** What a value has to start with. */
  readonly prefix: Segment;
  /** What has to follow, in this order and anywhere. No segment is empty. */
  readonly middle: readonly Segment[];
  /** What a value has to end with; null if the pattern has no `*`, so that the prefix is the whole value. */
  readonly suffix: Segment | null;
}

/** Splits live as long as their patterns and take a few bytes for each character of the pattern. */
const splits = new WeakMap<Pattern, SplitPattern>();

/** Splits a pattern at its `*`. The same pattern is split once. */
export function splitPattern(pattern: Pattern): SplitPattern {
  const known = splits.get(pattern);
  if (known !== undefined) return known;
  const split = joinSegments(listSegments(pattern));
  splits.set(pattern, split);
  return split;
}

/** Lists the segments before, between and after the `*` of a pattern, also the empty ones. */
function listSegments(pattern: Pattern): readonly [Segment, ...Segment[]] {
  let segment: number[] = [];
  const segments: [Segment, ...Segment[]] = [segment];
  for (const part of pattern) {
    if (part.kind === 'any-run') {
      segment = [];
      segments.push(segment);
    } else if (part.kind === 'any-one') {
      segment.push(ANY_ONE);
    } else {
      for (const character of part.text) segment.push(character.codePointAt(0) ?? ANY_ONE);
    }
  }
  return segments;
}

function joinSegments(segments: readonly [Segment, ...Segment[]]): SplitPattern {
  const [prefix, ...others] = segments;
  return {
    minLength: segments.reduce((sum, { length }) => sum + length, 0),
    prefix,
    middle: others.slice(0, -1).filter(({ length }) => length > 0),
    suffix: others.at(-1) ?? null,
  };
}

/** Returns the offset just past a segment that is at an offset of a value, or -1 if it is not there. */
export function skipSegment(segment: Segment, value: string, start: number, ignoreCase: boolean): number {
  let offset = start;
  for (const expected of segment) {
    const found = value.codePointAt(offset);
    if (found === undefined || !isExpected(expected, found, ignoreCase)) return -1;
    offset += found > 0xffff ? 2 : 1;
  }
  return offset;
}

/** Returns the offset of a segment that ends a value, or -1 if what is there from `start` on does not end with it. */
export function skipSegmentBack(segment: Segment, value: string, start: number, ignoreCase: boolean): number {
  let offset = value.length;
  for (const expected of segment.toReversed()) {
    const pair = offset - 2 >= start ? (value.codePointAt(offset - 2) ?? 0) : 0;
    const found = pair > 0xffff ? pair : value.charCodeAt(offset - 1);
    if (offset <= start || !isExpected(expected, found, ignoreCase)) return -1;
    offset -= pair > 0xffff ? 2 : 1;
  }
  return offset;
}

function isExpected(expected: number, found: number, ignoreCase: boolean): boolean {
  return expected === ANY_ONE || expected === (ignoreCase ? foldCodePoint(found) : found);
}
