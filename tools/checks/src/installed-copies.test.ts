import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { installedCopies } from './installed-copies.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'copies-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function install(path: string, version: string) {
  mkdirSync(join(root, path), { recursive: true });
  writeFileSync(join(root, path, 'package.json'), JSON.stringify({ version }));
}

test('copies are found at every depth, in scopes, and by whole names', () => {
  install('node_modules/protobufjs', '8.8.1');
  install('node_modules/protobufjs-cli', '1.0.0');
  install('node_modules/@grpc/proto-loader', '0.8.0');
  install('node_modules/@grpc/proto-loader/node_modules/protobufjs', '7.6.6');
  const copies = installedCopies(root, (name) => name === 'protobufjs');
  expect(copies.map(({ version }) => version).toSorted((a, b) => a.localeCompare(b))).toEqual([
    '7.6.6',
    '8.8.1',
  ]);
  expect(installedCopies(root, (name) => name.startsWith('@grpc/'))).toMatchObject([
    { name: '@grpc/proto-loader' },
  ]);
});

test('a folder without node_modules has none', () => {
  expect(installedCopies(root, () => true)).toEqual([]);
});
