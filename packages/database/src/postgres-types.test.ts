import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseArray, serializeArray } from './postgres-types.ts';

test('array literals of texts, nulls and lists come back as they were', () => {
  const { list } = fc.letrec<{ list: unknown[] }>((tie) => ({
    list: fc.array(fc.oneof({ maxDepth: 3 }, fc.string({ unit: 'binary' }), fc.constant(null), tie('list')), {
      maxLength: 5,
    }),
  }));
  fc.assert(fc.property(list, (values) => expect(parseArray(serializeArray(values))).toEqual(values)));
});

test.each([
  ['{}', []],
  ['{1,2}', ['1', '2']],
  ['{NULL,"NULL",null}', [null, 'NULL', 'null']],
  ['[0:1]={a,b}', ['a', 'b']],
  [
    '{{1,2},{3,4}}',
    [
      ['1', '2'],
      ['3', '4'],
    ],
  ],
])('%s', (literal, expected) => {
  expect(parseArray(literal)).toEqual(expected);
});
