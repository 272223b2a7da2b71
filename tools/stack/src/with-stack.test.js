import { expect, test } from '@jest/globals';
import { parseWithStack } from './with-stack.js';

test.each([
  [
    ['--', 'node', '--version'],
    { profile: 'test', directory: undefined, parts: undefined, command: 'node', args: ['--version'] },
  ],
  [
    ['--profile', 'local', '--directory', 'd', '--', 'x', '--'],
    { profile: 'local', directory: 'd', parts: undefined, command: 'x', args: ['--'] },
  ],
  [
    ['--parts', 'clickhouse,temporal', '--', 'x'],
    { profile: 'test', directory: undefined, parts: ['clickhouse', 'temporal'], command: 'x', args: [] },
  ],
  [[], 'no -- command'],
  [['--'], 'no command after --'],
  [['--profile', 'production', '--', 'x'], 'unknown or incomplete argument --profile'],
  [['--directory', '--', 'x'], 'unknown or incomplete argument --directory'],
  [['--parts', '--', 'x'], 'unknown or incomplete argument --parts'],
  [['node'], 'unknown or incomplete argument node'],
])('%j', (argv, expected) => {
  expect(parseWithStack(argv)).toEqual(expected);
});
