import { readdirSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { findMissingNeeds } from './find-missing-needs.ts';
import { NEEDS } from './needs.ts';

test('a suite whose program is missing is named in one line, with the reason; the others run', async () => {
  const missing = await findMissingNeeds([
    { what: 'Go', suites: ['a', 'b'], provide: () => Promise.reject(new Error('no Go\nat line 1')) },
    { what: 'Python', suites: ['c'], provide: async () => '/usr/bin/python3' },
  ]);
  expect(missing).toEqual([
    { suite: 'a', line: 'not run: a.system.test.ts needs Go: no Go' },
    { suite: 'b', line: 'not run: b.system.test.ts needs Go: no Go' },
  ]);
});

test('every suite that is said to need something is there', () => {
  const suites = readdirSync(new URL('.', import.meta.url)).flatMap(
    (file) => /^(.*)\.system\.test\.ts$/.exec(file)?.[1] ?? [],
  );
  expect(suites).toEqual(expect.arrayContaining(NEEDS.flatMap((need) => need.suites)));
});
