import { findSegment } from './find-segment.ts';
import type { Pattern } from './query.ts';
import { skipSegment, skipSegmentBack, splitPattern } from './split-pattern.ts';
import { countTextSteps, type StepMeter } from './step-meter.ts';

/** How a pattern is matched. */
export interface MatchOptions {
  /** Matches the A–Z of the value as a–z; the literal text of the pattern must not contain A–Z. Default false. */
  readonly ignoreCase?: boolean | undefined;
  /** Counts and bounds the steps. Default: no bound. */
  readonly meter?: StepMeter | undefined;
}

/**
 * Whether a pattern matches a whole value. Both are compared by code points: `?` matches exactly one, for example one
 * emoji, and a lone surrogate in a pattern never matches half of a surrogate pair.
 *
 * Each character of the value takes at most one step for each 32 characters of the longest text between two `*`.
 *
 * @throws {StepLimitError} if the meter has too few steps left.
 */
export function matchPattern(
  pattern: Pattern,
  value: string,
  { ignoreCase = false, meter }: MatchOptions = {},
): boolean {
  const [only] = pattern;
  if (pattern.length === 1 && only?.kind === 'literal' && !ignoreCase) {
    meter?.take(countTextSteps(only.text.length === value.length ? value.length : 0));
    return only.text === value;
  }
  meter?.take(1);
  const { minLength, prefix, middle, suffix } = splitPattern(pattern);
  if (value.length < minLength) return false;
  meter?.take(prefix.length + (suffix?.length ?? 0) + middle.length);
  // Greedy: the first occurrence of each segment leaves the most for the others.
  let offset = skipSegment(prefix, value, 0, ignoreCase);
  if (offset < 0 || suffix === null) return offset === value.length;
  const end = skipSegmentBack(suffix, value, offset, ignoreCase);
  if (end < 0) return false;
  for (const segment of middle) {
    offset = findSegment(segment, value, { start: offset, end, ignoreCase, meter });
    if (offset < 0) return false;
  }
  return true;
}
