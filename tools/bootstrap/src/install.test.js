import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ensureInstalled, findDifference, installState } from './install.js';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'heliograph-install-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const LOCK = {
  '': { version: '1.0.0' },
  'packages/own': { version: '0.0.0' },
  'node_modules/a': { version: '1.2.3' },
  'node_modules/a/node_modules/b': { version: '2.0.0' },
  'node_modules/only-elsewhere': { version: '1.0.0', optional: true },
};
const INSTALLED = {
  'node_modules/a': LOCK['node_modules/a'],
  'node_modules/a/node_modules/b': { version: '2.0.0' },
};

/**
 * @param {object} lock
 * @param {object} [installed]
 */
function write(lock, installed) {
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: lock }));
  if (installed === undefined) return;
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  writeFileSync(join(root, 'node_modules/.package-lock.json'), JSON.stringify({ packages: installed }));
}

test('without node_modules an install is needed', () => {
  write(LOCK);
  expect(installState(root)).toBe('outdated');
});

test('what npm itself recorded as installed needs none, and is stamped', async () => {
  write(LOCK, INSTALLED);
  expect(installState(root)).toBe('unstamped');
  expect(await ensureInstalled(root)).toBe(false);
  expect(installState(root)).toBe('stamped');
  expect(readFileSync(join(root, 'node_modules/.heliograph-install'), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
});

test('a changed lock makes a stamp worthless', async () => {
  write(LOCK, INSTALLED);
  await ensureInstalled(root);
  write({ ...LOCK, 'node_modules/c': { version: '1.0.0' } });
  expect(installState(root)).toBe('outdated');
});

test.each([
  ['another version', { ...INSTALLED, 'node_modules/a': { version: '1.2.4' } }, 'node_modules/a'],
  ['a missing package', { 'node_modules/a': { version: '1.2.3' } }, 'node_modules/a/node_modules/b'],
  ['nothing', INSTALLED, undefined],
])('%s is noticed', (_what, installed, path) => {
  expect(findDifference(LOCK, installed)).toBe(path);
});
