import { expect, test } from '@jest/globals';
import { exitCodeOf } from './exit-code-of.ts';

const OPTIONAL = { HELIOGRAPH_SYSTEM_OPTIONAL: '1' };

test.each([
  ['all suites ran', { status: 0, missing: 0, env: { CI: 'true' } }, 0],
  ['a suite could not run', { status: 0, missing: 1, env: {} }, 1],
  ['a suite could not run, which may be', { status: 0, missing: 1, env: OPTIONAL }, 0],
  [
    'a suite could not run on the server that decides',
    { status: 0, missing: 1, env: { ...OPTIONAL, CI: 'true' } },
    1,
  ],
  ['tests failed', { status: 2, missing: 1, env: OPTIONAL }, 2],
  ['a signal ended the tests', { status: null, missing: 0, env: OPTIONAL }, 1],
] as const)('where %s, it is right or not', (_, run, exitCode) => {
  expect(exitCodeOf(run)).toBe(exitCode);
});
