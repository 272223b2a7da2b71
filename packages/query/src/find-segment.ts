import { SegmentMasks } from './segment-masks.ts';
import { skipSegment, type Segment } from './split-pattern.ts';
import type { StepMeter } from './step-meter.ts';

/** Where a segment is looked for, in UTF-16 code units. */
export interface SegmentSearch {
  readonly start: number;
  readonly end: number;
  /** Matches the A–Z of the value as a–z. */
  readonly ignoreCase: boolean;
  readonly meter: StepMeter | undefined;
}

/** Up to this many comparisons it costs less to try each start than to compute masks. */
const MAX_COMPARISONS = 1024;

/**
 * Returns the offset just past the first occurrence of a segment in a part of a value, or -1 if there is none.
 *
 * The number of steps is linear: each character of the value takes at most one for each 32 characters of the segment.
 *
 * @throws {StepLimitError} if the meter has too few steps left.
 */
export function findSegment(segment: Segment, value: string, search: SegmentSearch): number {
  const length = search.end - search.start;
  if (length < segment.length) return -1;
  if (length * segment.length <= MAX_COMPARISONS) return findByTrial(segment, value, search);
  const masks = new SegmentMasks(segment, search.ignoreCase);
  search.meter?.take(segment.length + masks.words);
  return masks.size === 1 ? findByWord(masks, value, search) : findByWords(masks, value, search);
}

function findByTrial(segment: Segment, value: string, search: SegmentSearch): number {
  const { start, end, ignoreCase, meter } = search;
  for (let offset = start; offset < end; offset += (value.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1) {
    meter?.take(1);
    const found = skipSegment(segment, value, offset, ignoreCase);
    if (found >= 0) return found <= end ? found : -1;
  }
  return -1;
}

/**
 * The Shift-And algorithm: bit i of the state says whether the last i + 1 characters are the first i + 1 of the segment.
 * It never goes back, whatever the value is. Here the segment has at most 32 characters, so one number is the state.
 */
function findByWord(masks: SegmentMasks, value: string, { start, end, meter }: SegmentSearch): number {
  let state = 0;
  for (let offset = start; offset < end;) {
    meter?.take(1);
    const found = value.codePointAt(offset) ?? 0;
    offset += found > 0xffff ? 2 : 1;
    state = ((state << 1) | 1) & (masks.find(found)[0] ?? 0);
    if ((state & masks.lastBit) !== 0) return offset;
  }
  return -1;
}

/** The same with a state of several words, of which only those up to the highest set bit take a step. */
function findByWords(masks: SegmentMasks, value: string, { start, end, meter }: SegmentSearch): number {
  const state = new Int32Array(masks.size);
  const last = masks.size - 1;
  let top = -1;
  for (let offset = start; offset < end;) {
    const found = value.codePointAt(offset) ?? 0;
    offset += found > 0xffff ? 2 : 1;
    top = Math.min(top + 1, last);
    meter?.take(top + 1);
    advance(state, masks.find(found), top);
    if (((state[last] ?? 0) & masks.lastBit) !== 0) return offset;
    while (state[top] === 0) top--;
  }
  return -1;
}

/** Moves each bit on by one where the mask allows it. The first is set before: an occurrence may start anywhere. */
function advance(state: Int32Array, mask: Int32Array, top: number): void {
  let carry = 1;
  for (let word = 0; word <= top; word++) {
    const bits = state[word] ?? 0;
    state[word] = ((bits << 1) | carry) & (mask[word] ?? 0);
    carry = bits >>> 31;
  }
}
