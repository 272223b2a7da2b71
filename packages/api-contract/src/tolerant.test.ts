import { describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { tolerant } from './tolerant.ts';

const strict = v.strictObject({
  kind: v.picklist(['a', 'b']),
  items: v.array(v.object({ at: v.pipe(v.string(), v.isoTimestamp(), v.description('when')) })),
  labels: v.record(v.pipe(v.string(), v.maxLength(2)), v.string()),
  note: v.nullable(v.optional(v.string())),
  either: v.union([v.number(), v.null()]),
  rest: v.unknown(),
});
const VALUE = { kind: 'a', items: [], labels: {}, note: null, either: 1, rest: {} };

describe('a tolerant reader', () => {
  test.each<[string, object]>([
    ['what the strict schema takes', {}],
    ['an unknown member', { newer: 1 }],
    ['an unknown member inside', { items: [{ at: '2026-01-31T12:00:00Z', newer: true }] }],
    ['an unknown member of a closed list', { kind: 'c' }],
    ['a text that breaks a check', { items: [{ at: 'soon' }] }],
    ['a longer key', { labels: { long: 'x' } }],
  ])('takes %s as it is', (_, parts) => {
    const value = { ...VALUE, ...parts };
    expect(v.parse(tolerant(strict), value)).toEqual(value);
  });

  test.each<[string, object]>([
    ['a missing member', { kind: undefined }],
    ['another type', { items: {} }],
    ['another type inside', { items: [{ at: 7 }] }],
    ['a number for a member of a closed list', { kind: 7 }],
    ['none of the alternatives', { either: 'x' }],
  ])('refuses %s', (_, parts) => {
    expect(v.safeParse(tolerant(strict), { ...VALUE, ...parts }).success).toBe(false);
  });

  test('is derived once', () => {
    expect(tolerant(strict)).toBe(tolerant(strict));
  });

  test.each<[string, v.GenericSchema]>([
    ['a transform', v.pipe(v.string(), v.transform(Number))],
    ['a nested schema', v.pipe(v.string(), v.picklist(['a']))],
    ['a kind that it does not know', v.date()],
  ])('cannot be derived from %s', (_, schema) => {
    expect(() => tolerant(schema)).toThrow(TypeError);
  });

  test('has a type that admits newer members of a closed list, and only those', () => {
    const { kind, items } = v.parse(tolerant(strict), VALUE);
    const known: 'a' | 'b' | (string & {}) = kind;
    // @ts-expect-error -- it may be another text by now
    const closed: 'a' | 'b' = kind;
    // @ts-expect-error -- answers are not changed
    items.push({ at: '' });
    expect([known, closed]).toEqual(['a', 'a']);
  });
});
