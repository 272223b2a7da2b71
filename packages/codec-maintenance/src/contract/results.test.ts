import { expect, test } from '@jest/globals';
import { addCounts, NOTHING_ROTATED } from './results.ts';

test('counts of batches add up, failures by code', () => {
  const one = { ...NOTHING_ROTATED, reencrypted: 2, failed: { CODEC_CORRUPT: 1 } };
  const other = {
    ...NOTHING_ROTATED,
    current: 3,
    gone: 1,
    foreign: 1,
    failed: { CODEC_CORRUPT: 2, CODEC_KEY_UNKNOWN: 1 },
  };
  expect(addCounts(one, other)).toEqual({
    current: 3,
    reencrypted: 2,
    gone: 1,
    foreign: 1,
    failed: { CODEC_CORRUPT: 3, CODEC_KEY_UNKNOWN: 1 },
  });
  expect(addCounts(NOTHING_ROTATED, NOTHING_ROTATED)).toEqual(NOTHING_ROTATED);
});
