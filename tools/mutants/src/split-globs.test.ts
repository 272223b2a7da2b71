import { expect, test } from '@jest/globals';
import { splitGlobs } from './split-globs.ts';

test.each<[string | undefined, readonly string[] | undefined]>([
  [undefined, undefined],
  ['src/a.ts', ['src/a.ts']],
  ['src/a.ts,src/b.ts:1-9', ['src/a.ts', 'src/b.ts:1-9']],
  [
    'src/{a,b}.ts,src/!(*.it).test.ts,src/{c,d}/*.ts',
    ['src/{a,b}.ts', 'src/!(*.it).test.ts', 'src/{c,d}/*.ts'],
  ],
])('%j is the globs %j', (list, globs) => {
  expect(splitGlobs(list)).toEqual(globs);
});
