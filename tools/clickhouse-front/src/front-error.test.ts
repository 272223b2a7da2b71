import { expect, test } from '@jest/globals';
import { FrontError, describeFailure } from './front-error.ts';

const SERVER = { version: '26.1.2.3', spool: '/state/spool/' };

test.each([
  [
    new FrontError(62, 'SYNTAX_ERROR', 'no'),
    { code: 62, status: 400, text: 'Code: 62. DB::Exception: no. (SYNTAX_ERROR) (version 26.1.2.3)\n' },
  ],
  [
    new Error('wrapped', { cause: new Error('Code: 60. DB::Exception: Unknown table. (UNKNOWN_TABLE)') }),
    { status: 404, code: 60 },
  ],
  [
    new Error('Query failed: Code: 241. DB::Exception: memory. (MEMORY_LIMIT_EXCEEDED)'),
    { status: 500, code: 241 },
  ],
  [new Error('the disk is full'), { status: 500, code: 1002 }],
  ['a text', { status: 500, code: 1002 }],
])('%s is described as the server would', (error, expected) => {
  expect(describeFailure(error, SERVER)).toMatchObject(expected);
});

test('a text never names a file of the spool', () => {
  const error = new Error('Code: 27. DB::Exception: while reading /state/spool/abc. (X)');
  expect(describeFailure(error, SERVER).text).not.toContain('/state');
});
