import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { matchQuery } from './match-query.ts';
import { MAX_OBJECT_DEPTH, MAX_OBJECT_ELEMENTS, createFieldLookup } from './create-field-lookup.ts';
import { parseQuery } from './parse-query.ts';
import { arbitraryQuery } from './testing/arbitrary-query.ts';

describe('a lookup in nested data', () => {
  test.each<[unknown, string, string | readonly string[] | undefined]>([
    [{ a: 'x' }, 'a', 'x'],
    [{ a: '' }, 'a', ''],
    [{ a: { b: { c: 'x' } } }, 'a.b.c', 'x'],
    [{ a: { b: 'x' } }, 'a', undefined],
    [{ a: 'x' }, 'a.b', undefined],
    [{ a: null }, 'a', undefined],
    [{}, 'a', undefined],
    [{ a: [] }, 'a', undefined],
    [{ a: [null, {}] }, 'a', undefined],
    [{ a: ['x', 1, true, null, ['y']] }, 'a', ['x', '1', 'true', 'y']],
    [{ items: [{ name: 'x' }, { other: 1 }, { name: ['y', 'z'] }] }, 'items.name', ['x', 'y', 'z']],
    [[{ a: 1 }, { a: 2 }], 'a', ['1', '2']],
    [{ a: ['x'] }, 'a.0', undefined],
    [{ a: 1.5 }, 'a', '1.5'],
    [{ a: 1e21 }, 'a', '1e+21'],
    [{ a: -0 }, 'a', '0'],
    [{ a: Number.NaN }, 'a', undefined],
    [{ a: Number.POSITIVE_INFINITY }, 'a', undefined],
    [{ a: false }, 'a', 'false'],
    [{ a: undefined }, 'a', undefined],
    [{ a: () => 1 }, 'a', undefined],
    [{ labels: { 'app.kubernetes.io/name': 'x' } }, 'labels.app.kubernetes.io/name', 'x'],
    [{ 'a.b': 1, a: { b: 2 } }, 'a.b', '1'],
    [{ 'a.b': null, a: { b: 2 } }, 'a.b', undefined],
    [{ 'a.b': { x: 1 }, a: { b: { c: 2 } } }, 'a.b.c', undefined],
    [{ a: { 'b.c': 1 } }, 'a.b.c', '1'],
    [{ '': { '': 1 } }, '.', '1'],
    ['x', 'a', undefined],
    [null, 'a', undefined],
    [undefined, 'a', undefined],
    [{}, 'constructor.name', undefined],
    [{}, '__proto__', undefined],
    [Object.create({ a: 1 }), 'a', undefined],
    [JSON.parse('{"__proto__":{"a":"x"}}'), '__proto__.a', 'x'],
  ])('in %j of %s returns %j', (value, field, expected) => {
    expect(createFieldLookup(value)(field)).toEqual(expected);
  });
});

describe('data beyond the limits is missing', () => {
  const nestObjects = (levels: number): unknown => {
    let value: unknown = 'x';
    for (let level = 0; level < levels; level++) value = { a: value };
    return value;
  };
  const nestLists = (levels: number): unknown => {
    let value: unknown = 'x';
    for (let level = 0; level < levels; level++) value = [value];
    return { a: value };
  };
  const repeatPath = (parts: number): string => Array.from({ length: parts }, () => 'a').join('.');

  test('objects', () => {
    expect(createFieldLookup(nestObjects(MAX_OBJECT_DEPTH))(repeatPath(MAX_OBJECT_DEPTH))).toBe('x');
    expect(
      createFieldLookup(nestObjects(MAX_OBJECT_DEPTH + 1))(repeatPath(MAX_OBJECT_DEPTH + 1)),
    ).toBeUndefined();
    const deep = repeatPath(MAX_OBJECT_DEPTH + 1);
    expect(createFieldLookup({ [deep]: 'x' })(deep)).toBeUndefined();
  });

  test('lists', () => {
    expect(createFieldLookup(nestLists(MAX_OBJECT_DEPTH - 1))('a')).toBe('x');
    expect(createFieldLookup(nestLists(MAX_OBJECT_DEPTH))('a')).toBeUndefined();
  });

  test('elements', () => {
    const a = Array.from({ length: MAX_OBJECT_ELEMENTS + 5 }, (_, index) => String(index));
    const lookup = createFieldLookup({ a });
    expect(lookup('a')).toHaveLength(MAX_OBJECT_ELEMENTS);
    expect(matchQuery(parseQuery(`a:${MAX_OBJECT_ELEMENTS - 1}`), lookup)).toBe(true);
    expect(matchQuery(parseQuery(`NOT a:${MAX_OBJECT_ELEMENTS}`), lookup)).toBe(true);
    expect(createFieldLookup({ a: Array.from({ length: 40 }, () => a) })('a')).toHaveLength(
      MAX_OBJECT_ELEMENTS - 1,
    );
  });

  test('lists that contain themselves', () => {
    const loop: unknown[] = ['x'];
    loop.push(loop, loop);
    const lookup = createFieldLookup({ a: loop });
    expect(matchQuery(parseQuery('a:x'), lookup)).toBe(true);
    expect((lookup('a') ?? '').length).toBeLessThanOrEqual(MAX_OBJECT_ELEMENTS);
  });
});

describe('keys are data', () => {
  const names = [
    ...Object.getOwnPropertyNames(Object.prototype),
    'prototype',
    'length',
    'size',
    'get',
    'name',
    '',
  ];
  const forms: Readonly<Record<string, (entries: readonly (readonly [string, unknown])[]) => unknown>> = {
    'an object': (entries) => JSON.parse(JSON.stringify(Object.fromEntries(entries))),
    'an object without a prototype': (entries) => {
      const data = Object.create(null) as Record<string, unknown>;
      for (const [key, value] of entries) data[key] = value;
      return data;
    },
    'a Map': (entries) => new Map(entries),
  };

  test.each(Object.keys(forms))('of %s', (form) => {
    const create = forms[form]!;
    for (const name of names) {
      for (const other of names) {
        const lookup = createFieldLookup({ labels: create([[other, 'x']]) });
        expect(lookup(`labels.${name}`)).toBe(name === other ? 'x' : undefined);
        const query = parseQuery(`labels."${name}":x`);
        expect(matchQuery(query, lookup)).toBe(name === other);
      }
      expect(createFieldLookup(create([[name, create([[name, 'x']])]]))(`${name}.${name}`)).toBe('x');
      expect(createFieldLookup(create([['a', 'x']]))(name)).toBeUndefined();
    }
  });

  test.each(Object.keys(forms))('of any name, of %s', (form) => {
    const create = forms[form]!;
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit: 'binary', maxLength: 5 }), { maxLength: 5 }), (keys) => {
        const usable = keys.filter((key) => key.split('.').length <= MAX_OBJECT_DEPTH && key.isWellFormed());
        const lookup = createFieldLookup(create(usable.map((key, index) => [key, index])));
        expect(usable.map((key) => lookup(key))).toEqual(usable.map((_, index) => String(index)));
      }),
      { numRuns: 200 },
    );
  });

  test('of which only strings are found, whatever a Map has', () => {
    const symbol = Symbol('a');
    const lookup = createFieldLookup(
      new Map<unknown, unknown>([
        [1, 'x'],
        [null, 'x'],
        [symbol, 'x'],
        ['a', ['y', 1]],
      ]),
    );
    expect(lookup('1')).toBeUndefined();
    expect(lookup('null')).toBeUndefined();
    expect(lookup('a')).toEqual(['y', '1']);
    expect(
      createFieldLookup(
        new Map([
          ['a.b', 'long'],
          ['a', 'short'],
        ]),
      )('a.b'),
    ).toBe('long');
    expect(createFieldLookup(new Set(['a']))('a')).toBeUndefined();
  });

  test('and nothing of the data runs', () => {
    const data = {
      get a(): string {
        throw new Error('a getter ran');
      },
    };
    expect(createFieldLookup(data)('a')).toBeUndefined();
  });
});

test('any data can be matched with any query, and NOT inverts the result', () => {
  fc.assert(
    fc.property(
      fc.anything({
        key: fc.constantFrom('a', 'b', 'a.b', 'constructor', ''),
        withNullPrototype: true,
        withMap: true,
        withDate: true,
        withBigInt: true,
        withSparseArray: true,
      }),
      arbitraryQuery(['a', 'b', 'a.b', 'a.a.a', 'constructor']),
      (value, query) => {
        const lookup = createFieldLookup(value);
        expect(matchQuery({ kind: 'not', operand: query }, lookup)).toBe(!matchQuery(query, lookup));
      },
    ),
    { numRuns: 3000 },
  );
});
