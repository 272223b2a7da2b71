import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { comparePositions, positionAt, positionBefore } from './position.ts';

const position = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

test('positions order as the numbers that they are', () => {
  fc.assert(
    fc.property(position, position, (a, b) => {
      expect(Math.sign(comparePositions(String(a), String(b)))).toBe(a < b ? -1 : a > b ? 1 : 0);
    }),
  );
});

test('a position before another is that much earlier, and never below zero', () => {
  expect(positionBefore(positionAt(10_000), 4000)).toBe(positionAt(6000));
  expect(positionBefore(positionAt(10), 4000)).toBe('0');
});
