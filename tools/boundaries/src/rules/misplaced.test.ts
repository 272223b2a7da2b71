import { expect, test } from '@jest/globals';
import { fakeWorkspace, summaries } from '../testing/fake-workspace.ts';
import { checkMisplaced } from './misplaced.ts';

function violationsOf(section: string, files: Readonly<Record<string, string>>) {
  const manifest = { [section]: { '@fake/b': '0.0.0', hono: '4.0.0' } };
  return summaries(checkMisplaced(fakeWorkspace({ 'packages/a': { manifest, files }, 'packages/b': {} })));
}

const USE = "import type { B } from '@fake/b/workflows';";

test('a dependency that source imports is in its place', () => {
  expect(violationsOf('dependencies', { 'src/x.ts': USE, 'src/x.test.ts': USE })).toEqual([]);
});

test('a dependency that only tests import belongs to the dev dependencies', () => {
  expect(violationsOf('dependencies', { 'src/x.test.ts': USE })).toEqual([
    'packages/a/package.json:36 only tests and dev files import @fake/b',
  ]);
  expect(violationsOf('devDependencies', { 'src/x.test.ts': USE })).toEqual([]);
});

test('what nothing imports is for knip', () => {
  expect(violationsOf('dependencies', {})).toEqual([]);
});
