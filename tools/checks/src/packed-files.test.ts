import { expect, test } from '@jest/globals';
import { packedFileProblems } from './packed-files.ts';

const NEEDED = ['README.md', 'LICENSE', 'package.json', 'dist/index.js', 'dist/index.d.ts'];

test.each([
  [['dist/index.js.map', 'dist/sql/a.d.ts', 'dist/sql/a.d.ts.map'], []],
  [['bundle/workflows.js', 'bundle/workflows.js.json'], []],
  [['migrations/postgres/0000_a.sql', 'migrations/postgres/meta/_journal.json'], []],
  [['vectors/v1.json'], []],
  [['vectors/make.ts'], ['vectors/make.ts does not belong into a tarball']],
  [['src/index.ts'], ['src/index.ts does not belong into a tarball']],
  [['dist/index.ts'], ['dist/index.ts does not belong into a tarball']],
  [['tsconfig.json'], ['tsconfig.json does not belong into a tarball']],
  [['dist/.results.json'], ['dist/.results.json does not belong into a tarball']],
  [['dist/a.test.js'], ['dist/a.test.js is for tests']],
  [['dist/testing/a.js'], ['dist/testing/a.js is for tests']],
])('%j', (more, expected) => {
  expect(packedFileProblems([...NEEDED, ...more], { hasMigrations: false })).toEqual(expected);
});

test.each(NEEDED)('%s is needed', (path) => {
  const packed = NEEDED.filter((other) => other !== path);
  expect(packedFileProblems(packed, { hasMigrations: false })).toEqual([`${path} is missing`]);
});

test('migrations travel with the package that has them', () => {
  expect(packedFileProblems(NEEDED, { hasMigrations: true })).toEqual([
    'migrations are missing: add "migrations" to files',
  ]);
});
