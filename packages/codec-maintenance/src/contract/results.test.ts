import { expect, test } from '@jest/globals';
import { addCounts, NOTHING_ROTATED } from './results.ts';

test('counts of batches add up, failures by code', () => {
  const one = { ...NOTHING_ROTATED, reencrypted: 2, rewrapped: 4, failed: { CODEC_CORRUPT: 1 } };
  const other = {
    ...NOTHING_ROTATED,
    current: 3,
    rewrapped: 1,
    gone: 1,
    foreign: 1,
    failed: { CODEC_CORRUPT: 2, CODEC_KEY_UNKNOWN: 1 },
  };
  expect(addCounts(one, other)).toEqual({
    current: 3,
    reencrypted: 2,
    rewrapped: 5,
    gone: 1,
    foreign: 1,
    failed: { CODEC_CORRUPT: 3, CODEC_KEY_UNKNOWN: 1 },
  });
  expect(addCounts(NOTHING_ROTATED, NOTHING_ROTATED)).toEqual(NOTHING_ROTATED);
});

test('counts of a release that wrapped nothing anew add up as well', () => {
  const { rewrapped, ...before } = NOTHING_ROTATED;
  expect(rewrapped).toBe(0);
  expect(addCounts({ ...before, current: 1 }, { ...NOTHING_ROTATED, rewrapped: 2 })).toEqual({
    ...NOTHING_ROTATED,
    current: 1,
    rewrapped: 2,
  });
  expect(addCounts({ ...NOTHING_ROTATED, rewrapped: 2 }, before).rewrapped).toBe(2);
});
