import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as v from 'valibot';
import { dictionary, losesNames } from './dictionary.ts';
import { tolerant } from './tolerant.ts';

const labels = dictionary(v.pipe(v.string(), v.minLength(1)), v.pipe(v.string(), v.maxLength(9)));
const NAMES = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', 'a'];

test.each(NAMES)('keeps the name %s', (name) => {
  const given: unknown = JSON.parse(`{"${name}":"x","other":"y"}`);
  expect(Object.entries(v.parse(labels, given))).toEqual([
    [name, 'x'],
    ['other', 'y'],
  ]);
  expect(Object.entries(v.parse(tolerant(labels), given) as object)).toHaveLength(2);
});

test('gives back every JSON object of texts as it came, and nothing that is inherited', () => {
  const name = fc.oneof(fc.constantFrom(...NAMES), fc.string());
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(name, fc.string()), { selector: ([key]) => key }), (entries) => {
      const json = `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join()}}`;
      const read = v.parse(dictionary(v.string(), v.string()), JSON.parse(json));
      expect(new Map(Object.entries(read))).toEqual(new Map(entries));
      expect('toString' in read).toBe(entries.some(([key]) => key === 'toString'));
      expect(JSON.parse(JSON.stringify(read))).toEqual(JSON.parse(json));
    }),
  );
});

describe('refuses', () => {
  test.each<[string, unknown, readonly (readonly unknown[])[]]>([
    ['an array', ['a'], [[]]],
    ['a text', 'a', [[]]],
    ['null', null, [[]]],
    ['a wrong value', { a: 1, b: 'x' }, [['a']]],
    ['a wrong value of __proto__', JSON.parse('{"__proto__":1}'), [['__proto__']]],
    ['a wrong name and a long value', { '': 'x', b: 'x'.repeat(10) }, [[''], ['b']]],
  ])('%s, with its place', (_, given, places) => {
    const { success, issues } = v.safeParse(labels, given);
    expect(success).toBe(false);
    expect(issues?.map(({ path }) => (path ?? []).map(({ key }) => key))).toEqual(places);
  });
});

test('a record is found wherever it is in a schema, a dictionary is none', () => {
  const record = v.record(v.string(), v.string());
  for (const schema of [
    v.object({ a: v.optional(record) }),
    v.union([v.string(), v.array(record)]),
    v.pipe(
      record,
      v.check(() => true),
    ),
    dictionary(v.string(), record),
  ])
    expect(losesNames(schema)).toBe(true);
  const piped = v.pipe(
    labels,
    v.check(() => true),
  );
  expect(losesNames(v.object({ a: v.optional(piped), b: v.array(labels) }))).toBe(false);
});
