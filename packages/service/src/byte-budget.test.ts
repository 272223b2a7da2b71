import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { createByteBudget } from './byte-budget.ts';

const limits = { totalBytes: 100, callerBytes: 60 };

describe('a budget of bytes', () => {
  test('refuses one caller beyond its share, and everybody beyond the whole', () => {
    const budget = createByteBudget(limits);
    const [one, again, other] = [budget.open('ada'), budget.open('ada'), budget.open('eve')];
    one.take(40);
    expect(() => again.take(21)).toThrow(expect.objectContaining({ status: 429, code: 'BYTES_LIMITED' }));
    again.take(20);
    expect(() => other.take(41)).toThrow(
      expect.objectContaining({ status: 503, code: 'OVERLOADED', extras: { retryAfterSeconds: 1 } }),
    );
    other.take(40);
    expect(budget.heldBytes()).toBe(100);
  });

  test('gets back what is released, once, and the rest at the end', () => {
    const budget = createByteBudget(limits);
    const hold = budget.open('ada');
    hold.take(50);
    hold.release(20);
    expect(budget.heldBytes()).toBe(30);
    hold.release(1000);
    expect(budget.heldBytes()).toBe(0);
    hold.take(60);
    hold.close();
    hold.close();
    hold.take(60);
    expect(budget.heldBytes()).toBe(0);
    budget.open('ada').take(60);
  });

  test('counts at least what is raised, also beyond the limit', () => {
    const budget = createByteBudget(limits);
    const hold = budget.open('ada');
    hold.take(50);
    hold.raise(20);
    expect(budget.heldBytes()).toBe(50);
    hold.raise(120);
    expect(budget.heldBytes()).toBe(120);
    for (const attempt of ['assertRoom', 'take', 'takeAtLeast'] as const)
      expect(() => budget.open('ada')[attempt](1)).toThrow(
        expect.objectContaining({ code: 'BYTES_LIMITED' }),
      );
    // Beyond its share it takes nothing from others.
    const other = budget.open('eve');
    other.assertRoom();
    other.takeAtLeast(40);
    other.takeAtLeast(40);
    for (const attempt of ['assertRoom', 'take', 'takeAtLeast'] as const)
      expect(() => budget.open('bob')[attempt](1)).toThrow(expect.objectContaining({ code: 'OVERLOADED' }));
    hold.close();
    expect(budget.heldBytes()).toBe(40);
    other.close();
    expect(budget.heldBytes()).toBe(0);
  });

  test('is never exceeded, and empty when all requests have ended', () => {
    const step = fc.record({
      request: fc.nat({ max: 5 }),
      kind: fc.constantFrom('take', 'takeAtLeast', 'release', 'close'),
      bytes: fc.nat({ max: 80 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const budget = createByteBudget(limits);
        const holds = Array.from({ length: 6 }, (_, at) => budget.open(`caller ${at % 3}`));
        for (const { request, kind, bytes } of steps) {
          try {
            holds[request]?.[kind](bytes);
          } catch {
            // Refused.
          }
          expect(budget.heldBytes()).toBeLessThanOrEqual(limits.totalBytes);
          expect(budget.heldBytes()).toBeGreaterThanOrEqual(0);
        }
        for (const hold of holds) hold.close();
        expect(budget.heldBytes()).toBe(0);
      }),
    );
  });
});
