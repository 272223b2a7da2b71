import { describe, expect, test } from '@jest/globals';
import { parseTestArguments } from './test-arguments.ts';

describe('npm test', () => {
  const all = { kind: 'run', affected: false, onFloor: false, system: 'none', selection: ['run-many'] };
  const affected = { ...all, affected: true, selection: ['affected'] };
  test.each([
    [[], all],
    [['--affected'], affected],
    [['--affected', '--base=HEAD~1'], { ...affected, selection: ['affected', '--base=HEAD~1'] }],
    [['--node', '22'], { ...all, onFloor: true }],
    [['--node=22', '--affected'], { ...affected, onFloor: true }],
    [['--system'], { ...all, system: 'only' }],
    [['--with-system'], { ...all, system: 'too' }],
    [['--help'], { kind: 'help' }],
    [['--base=main'], '--base and --head need --affected'],
    [['--wat'], 'unknown argument --wat'],
    [['--affected', '--base=$(x)'], 'unknown argument --base=$(x)'],
    [['--node', '20'], '--node 20 is not 22'],
    [['--node'], '--node  is not 22'],
  ])('%j', (argv, expected) => {
    expect(parseTestArguments(argv)).toEqual(expected);
  });
});
