import { expect, test } from '@jest/globals';
import { meaningOfSignal } from './stop-requests.ts';

test.each([
  [undefined, 5000, 'stop'],
  [5000, 5010, 'same'],
  [5000, 6001, 'force'],
])('after a first signal at %s one at %s means %s', (firstAtMs, nowMs, meaning) => {
  expect(meaningOfSignal(firstAtMs, nowMs)).toBe(meaning);
});
