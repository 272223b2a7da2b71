import { closeSync, mkdtempSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { logSize, openLog, readLogSince } from './log-file.ts';
import { openSecrets } from './secrets.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'heliograph-secrets-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('a secret is 32 random bytes, made once and readable by its owner alone', () => {
  const secret = openSecrets(directory)('postgres');
  expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
  expect(openSecrets(directory)('postgres')).toBe(secret);
  expect(openSecrets(directory)('clickhouse')).not.toBe(secret);
  expect(statSync(join(directory, 'secrets/postgres')).mode.toString(8)).toMatch(/600$/);
});

test.each(['../x', '', '.hidden', 'a/b'])('%j is no name of a secret', (name) => {
  expect(() => openSecrets(directory)(name)).toThrow(TypeError);
});

test('a large log is rotated, a small one is appended to', () => {
  const path = join(directory, 'logs/a.log');
  closeSync(openLog(path));
  writeFileSync(path, 'first\n');
  const mark = logSize(path);
  const log = openLog(path, 100);
  writeSync(log, 'second\n');
  closeSync(log);
  expect(readLogSince(path, mark)).toBe('second\n');
  closeSync(openLog(path, 5));
  expect(logSize(path)).toBe(0);
  expect(logSize(`${path}.1`)).toBe(13);
});
