import { expect, test } from '@jest/globals';
import * as v from 'valibot';
import { checkInput } from './check-input.ts';

test.each<[string, v.GenericSchema, unknown, string]>([
  ['a format without an expectation', v.pipe(v.string(), v.uuid()), 'hunter2', 'Invalid uuid.'],
  ['an instant', v.pipe(v.string(), v.isoTimestamp()), 'hunter2', 'Invalid iso timestamp.'],
  ['a pattern', v.pipe(v.string(), v.regex(/^a$/)), 'hunter2', 'Expected /^a$/.'],
  ['a list of texts', v.picklist(['a', 'b']), 'hunter2', 'Expected ("a" | "b").'],
  ['a length', v.pipe(v.string(), v.maxLength(2)), 'hunter2', 'Expected <=2.'],
  [
    'a rule without a message',
    v.pipe(
      v.string(),
      v.check(() => false),
    ),
    'hunter2',
    'Invalid check.',
  ],
  [
    'a rule with a message',
    v.pipe(
      v.string(),
      v.check(() => false, 'Expected more.'),
    ),
    'x',
    'Expected more.',
  ],
])('what is said of %s never repeats the value', (_, schema, value, detail) => {
  expect(checkInput(schema, value)).toEqual({ kind: 'invalid', errors: [{ pointer: '', detail }] });
});

test('of a small value every error is named, of a large one the first, without collecting the others', () => {
  let checked = 0;
  const isRefused = (): boolean => {
    checked++;
    return false;
  };
  const schema = v.object({
    list: v.array(v.union([v.looseObject({}), v.custom(isRefused, 'Expected Object.')])),
  });
  const few = checkInput(schema, { list: [1, {}, 2] });
  expect(few).toMatchObject({ errors: [{ pointer: '/list/0' }, { pointer: '/list/2' }] });
  const some = checkInput(schema, { list: Array.from({ length: 900 }, () => 1) });
  expect(some).toMatchObject({ errors: { length: 50 } });
  checked = 0;
  const many = checkInput(schema, { list: Array.from({ length: 2_000_000 }, () => 1) });
  expect(many).toMatchObject({ errors: [{ pointer: '/list/0' }] });
  // Collecting them would check each one, and take a gigabyte.
  expect(checked).toBe(1);
});
