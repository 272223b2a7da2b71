import { expect, test } from '@jest/globals';
import { fakeWorkspace, summaries } from '../testing/fake-workspace.ts';
import { checkUnused } from './unused.ts';

function violationsOf(section: string, files: Readonly<Record<string, string>>) {
  const manifest = { [section]: { '@fake/b': '0.0.0', hono: '4.0.0' } };
  return summaries(checkUnused(fakeWorkspace({ 'packages/a': { manifest, files }, 'packages/b': {} })));
}

const USE = "import type { B } from '@fake/b/workflows';";

test('a dependency that source imports is used', () => {
  expect(violationsOf('dependencies', { 'src/x.ts': USE })).toEqual([]);
});

test('a dev dependency that any file imports is used', () => {
  expect(violationsOf('devDependencies', { 'src/x.test.ts': USE })).toEqual([]);
  expect(
    violationsOf('devDependencies', { 'stack.js': '/** @type {import("@fake/b").B} */ let b;' }),
  ).toEqual([]);
});

test('a workspace dependency that nothing imports is refused, others are not our concern', () => {
  expect(violationsOf('dependencies', {})).toEqual(['packages/a/package.json:36 nothing imports @fake/b']);
  expect(violationsOf('devDependencies', {})).toEqual(['packages/a/package.json:36 nothing imports @fake/b']);
});

test('a dependency that only tests import belongs to the dev dependencies', () => {
  expect(violationsOf('dependencies', { 'src/x.test.ts': USE })).toEqual([
    'packages/a/package.json:36 only tests and dev files import @fake/b',
  ]);
});
