import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { checkWorkspace } from './check-workspace.ts';
import { readWorkspace } from './read-workspace.ts';
import { formatViolation } from './violation.ts';

const folder = fileURLToPath(new URL('../fixtures/', import.meta.url));

/** Each folder is a small workspace; its expected.txt holds what the check must print, and nothing if it passes. */
test.each(readdirSync(folder))('the fixture %s gives exactly the expected lines', (name) => {
  const expected = readFileSync(`${folder}${name}/expected.txt`, 'utf8').split('\n').slice(0, -1);
  const lines = checkWorkspace(readWorkspace(`${folder}${name}`, [])).map(formatViolation);
  expect(lines).toEqual(expected);
});

test('every rule has a fixture that breaks it, and one workspace passes', () => {
  const texts = readdirSync(folder).map((name) => readFileSync(`${folder}${name}/expected.txt`, 'utf8'));
  const rules = texts.flatMap((text) => [...text.matchAll(/^\S+ \[(\w+)\]/gm)].map(([, rule]) => rule));
  expect([...new Set(rules)].toSorted((a = '', b = '') => a.localeCompare(b))).toEqual([
    'cycles',
    'imports',
    'layers',
    'misplaced',
    'projects',
    'runtime',
  ]);
  expect(texts).toContain('');
});
