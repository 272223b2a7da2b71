import { expect, test } from '@jest/globals';
import { parseWithStack } from './with-stack.ts';

const DEFAULTS = { kind: 'run', profile: 'test', directory: undefined, parts: undefined, args: [] };

test.each([
  [['node', '--version'], { ...DEFAULTS, command: 'node', args: ['--version'] }],
  [['--', 'node', '--help'], { ...DEFAULTS, command: 'node', args: ['--help'] }],
  [
    ['--profile', 'local', '--directory', 'd', '--', 'x', '--'],
    { ...DEFAULTS, profile: 'local', directory: 'd', command: 'x', args: ['--'] },
  ],
  [['--parts', 'clickhouse,temporal', 'x'], { ...DEFAULTS, parts: ['clickhouse', 'temporal'], command: 'x' }],
  [['--help'], { kind: 'help' }],
  [['--parts', 'x', '-h'], { kind: 'help' }],
  [[], { kind: 'wrong', problem: 'no command given' }],
  [['--'], { kind: 'wrong', problem: 'no command given' }],
  [['--profile', 'local'], { kind: 'wrong', problem: 'no command given' }],
  [['--nope', 'x'], { kind: 'wrong', problem: 'unknown or incomplete option --nope' }],
  [
    ['--profile', 'production', '--', 'x'],
    { kind: 'wrong', problem: 'unknown or incomplete option --profile' },
  ],
  [['--directory', '--', 'x'], { kind: 'wrong', problem: 'unknown or incomplete option --directory' }],
  [['--parts', '--', 'x'], { kind: 'wrong', problem: 'unknown or incomplete option --parts' }],
])('%j', (argv, expected) => {
  expect(parseWithStack(argv)).toEqual(expected);
});
