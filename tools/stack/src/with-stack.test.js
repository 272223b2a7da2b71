import { expect, test } from '@jest/globals';
import { parseWithStack } from './with-stack.js';

test.each([
  [
    ['--', 'node', '--version'],
    { profile: 'test', directory: undefined, command: 'node', args: ['--version'] },
  ],
  [
    ['--profile', 'local', '--directory', 'd', '--', 'x', '--'],
    { profile: 'local', directory: 'd', command: 'x', args: ['--'] },
  ],
  [[], 'no -- command'],
  [['--'], 'no command after --'],
  [['--profile', 'production', '--', 'x'], 'unknown or incomplete argument --profile'],
  [['--directory', '--', 'x'], 'unknown or incomplete argument --directory'],
  [['node'], 'unknown or incomplete argument node'],
])('%j', (argv, expected) => {
  expect(parseWithStack(argv)).toEqual(expected);
});
