import { describe, expect, test } from '@jest/globals';
import { parseTestArguments } from './test-arguments.ts';

describe('npm test', () => {
  test.each([
    [[], { affected: false, selection: ['run-many'] }],
    [['--affected'], { affected: true, selection: ['affected'] }],
    [['--affected', '--base=HEAD~1'], { affected: true, selection: ['affected', '--base=HEAD~1'] }],
    [['--base=main'], '--base and --head need --affected'],
    [['--wat'], 'unknown argument --wat'],
    [['--affected', '--base=$(x)'], 'unknown argument --base=$(x)'],
  ])('%j', (argv, expected) => {
    expect(parseTestArguments(argv)).toEqual(expected);
  });
});
