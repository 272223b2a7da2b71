import { expect, test } from '@jest/globals';
import * as v from 'valibot';
import { nameInput, subjectInput } from './fields.ts';

test.each(['a\u2028b', 'a\u202eb', '\u200b', 'a\nb'])('%j is neither a name nor a subject', (text) => {
  expect([v.is(nameInput, text), v.is(subjectInput, text)]).toEqual([false, false]);
});

test('a name is any visible line', () => {
  expect(v.parse(nameInput, ' Ada, 東京 ')).toBe('Ada, 東京');
});
