import { expect, test } from '@jest/globals';
import type { SearchAttributeType } from '@temporalio/common';
import { checkSearchAttributeBudget, SEARCH_ATTRIBUTES, searchAttributeKeys } from './search-attributes.ts';

const many = (type: SearchAttributeType, count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`${type}${index}`, type]));

test("the product's list fits, and has a typed key for each entry", () => {
  expect(checkSearchAttributeBudget()).toEqual([]);
  expect(
    Object.fromEntries(Object.values(searchAttributeKeys).map(({ name, type }) => [name, type])),
  ).toEqual(SEARCH_ATTRIBUTES);
});

test.each<[SearchAttributeType, number]>([
  ['KEYWORD', 10],
  ['TEXT', 3],
  ['INT', 3],
  ['DOUBLE', 3],
  ['BOOL', 3],
  ['DATETIME', 3],
  ['KEYWORD_LIST', 3],
])('a namespace has room for %s attributes: %d', (type, room) => {
  expect(checkSearchAttributeBudget(many(type, room))).toEqual([]);
  expect(checkSearchAttributeBudget(many(type, room + 1))).toEqual([
    `${room + 1} of type ${type}, room for ${room}`,
  ]);
});

test('every type that is too many is named', () => {
  expect(
    checkSearchAttributeBudget({ ...many('INT', 4), ...many('BOOL', 5), ...many('TEXT', 3) }),
  ).toHaveLength(2);
});
