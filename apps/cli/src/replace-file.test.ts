import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { replaceFile } from './replace-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'replace-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a new file belongs to its owner alone', () => {
  const file = join(folder, 'keys.json');
  replaceFile(file, 'new');
  expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual(['new', 0o600]);
});

test('mode and owner stay', () => {
  const file = join(folder, 'keys.json');
  writeFileSync(file, 'old');
  chmodSync(file, 0o440);
  // Only root may give a file away; anybody else finds their own.
  if (process.getuid?.() === 0) chownSync(file, 1234, 1234);
  const before = statSync(file);
  replaceFile(file, 'new');
  const after = statSync(file);
  expect(readFileSync(file, 'utf8')).toBe('new');
  expect([after.mode, after.uid, after.gid]).toEqual([before.mode, before.uid, before.gid]);
});

test('of a link, the file that it leads to is replaced', () => {
  mkdirSync(join(folder, 'data'));
  const real = join(folder, 'data', 'real.json');
  const link = join(folder, 'keys.json');
  writeFileSync(real, 'old');
  symlinkSync(real, link);
  replaceFile(link, 'new');
  expect([readFileSync(real, 'utf8'), lstatSync(link).isSymbolicLink()]).toEqual(['new', true]);
  expect(readdirSync(folder).toSorted()).toEqual(['data', 'keys.json']);
  expect(readdirSync(join(folder, 'data'))).toEqual(['real.json']);
});

test('what cannot be written is said in one line, and leaves nothing behind', () => {
  expect(() => replaceFile(join(folder, 'none', 'keys.json'), 'new')).toThrow(
    /cannot be written \(ENOENT\)$/,
  );
  expect(readdirSync(folder)).toEqual([]);
});
