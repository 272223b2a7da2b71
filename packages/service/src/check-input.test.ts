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
