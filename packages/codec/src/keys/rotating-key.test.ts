import { expect, test } from '@jest/globals';
import { isRotationDue, type RotationState } from './rotating-key.ts';

const policy = { windowMs: 100_000, maxEncryptions: 1000 };
const fresh: RotationState = { activeSince: 0, encryptions: 0, failures: 0, failedAt: 0, spread: 0 };

test.each<[string, Partial<RotationState>, number, boolean]>([
  ['new', {}, 0, false],
  ['just within its window', {}, 99_999, false],
  ['at the end of its window', {}, 100_000, true],
  ['at the end of a window that is 10 % shorter', { spread: 1 }, 90_000, true],
  ['just within that window', { spread: 1 }, 89_999, false],
  ['at one encryption less', { encryptions: 999 }, 5, false],
  ['at its last encryption', { encryptions: 1000 }, 5, true],
  ['right after a failure', { failures: 1, failedAt: 100_000 }, 100_999, false],
  ['a second after a failure', { failures: 1, failedAt: 100_000 }, 101_000, true],
  ['two seconds after a third failure', { failures: 3, failedAt: 100_000 }, 102_000, false],
  ['four seconds after a third failure', { failures: 3, failedAt: 100_000 }, 104_000, true],
  ['half a minute after many failures', { failures: 5000, failedAt: 100_000 }, 130_000, true],
  ['a moment less after many failures', { failures: 5000, failedAt: 100_000 }, 129_999, false],
  [
    'sooner after many failures, as others wait longer',
    { failures: 5000, failedAt: 100_000, spread: 1 },
    115_000,
    true,
  ],
])('a key is due or not: %s', (_, state, now, isDue) => {
  expect(isRotationDue({ ...fresh, ...state }, policy, now)).toBe(isDue);
});
