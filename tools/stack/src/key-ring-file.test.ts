import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openKeyRingFile } from './key-ring-file.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'heliograph-keys-'));
  mkdirSync(join(directory, 'secrets'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const read = (
  path: string,
): { domains: Record<string, { active: string; keys: { id: string; key: string }[] }> } =>
  JSON.parse(readFileSync(path, 'utf8'));

test('a domain has one key of 32 random bytes, and one that names large payloads, made at the first start, readable by their owner alone', () => {
  const path = openKeyRingFile(directory)('dispatch');
  const keys = read(path).domains['dispatch']?.keys ?? [];
  expect(read(path)).toEqual({ domains: { dispatch: { active: 'local-1', keys } } });
  expect(keys).toEqual([
    { id: 'local-1', key: expect.any(String) },
    { id: 'local-claims-1', key: expect.any(String), use: 'claims' },
  ]);
  expect(keys.map(({ key }) => Buffer.from(key, 'base64url').length)).toEqual([32, 32]);
  expect(keys[0]?.key).not.toBe(keys[1]?.key);
  expect(statSync(path).mode.toString(8)).toMatch(/600$/);
  expect(readdirSync(join(directory, 'secrets'))).toEqual(['codec-keys.json']);
});

test('a second start keeps it byte by byte, also a ring that was rotated by hand', () => {
  const path = openKeyRingFile(directory)('dispatch');
  const first = readFileSync(path, 'utf8');
  expect(openKeyRingFile(directory)('dispatch')).toBe(path);
  expect(readFileSync(path, 'utf8')).toBe(first);
  writeFileSync(path, first.replaceAll('local-1', 'by-hand'));
  openKeyRingFile(directory)('dispatch');
  expect(readFileSync(path, 'utf8')).toBe(first.replaceAll('local-1', 'by-hand'));
});

test('a ring from before large payloads were stored outside gets a key that names them, and keeps the rest', () => {
  const path = join(directory, 'secrets/codec-keys.json');
  const old = {
    active: 'k',
    keys: [
      { id: 'k', key: 'x' },
      { id: 'local-claims-1', key: 'y' },
    ],
  };
  writeFileSync(path, JSON.stringify({ domains: { dispatch: old, health: old }, more: 1 }));
  openKeyRingFile(directory)('dispatch');
  const extended = read(path);
  expect(extended).toEqual({
    domains: {
      dispatch: {
        ...old,
        keys: [
          ...old.keys,
          { id: 'local-claims-2', key: expect.stringMatching(/^[\w-]{43}$/), use: 'claims' },
        ],
      },
      health: old,
    },
    more: 1,
  });
  const before = readFileSync(path, 'utf8');
  openKeyRingFile(directory)('dispatch');
  expect(readFileSync(path, 'utf8')).toBe(before);
});

test.each([null, [], { active: 'k' }, { active: 'k', keys: {} }])(
  'a domain that is %j is left as it is: the apps say what is wrong with it',
  (domain) => {
    const path = join(directory, 'secrets/codec-keys.json');
    const content = JSON.stringify({ domains: { dispatch: domain } });
    writeFileSync(path, content);
    openKeyRingFile(directory)('dispatch');
    expect(readFileSync(path, 'utf8')).toBe(content);
  },
);

test('another domain gets a key of its own beside it', () => {
  const path = openKeyRingFile(directory)('dispatch');
  const before = read(path).domains['dispatch'];
  expect(openKeyRingFile(directory)('health')).toBe(path);
  const { domains } = read(path);
  expect(domains['dispatch']).toEqual(before);
  expect(domains['health']?.keys[0]?.key).not.toBe(before?.keys[0]?.key);
});

test.each(['', '{', '[]', '{"domains":[]}', '{"domains":null}'])(
  'a file that holds %j is left as it is, and the start fails',
  (content) => {
    const path = join(directory, 'secrets/codec-keys.json');
    writeFileSync(path, content);
    expect(() => openKeyRingFile(directory)('dispatch')).toThrow(/codec-keys\.json is not a key ring/);
    expect(readFileSync(path, 'utf8')).toBe(content);
  },
);

test.each(['', '../x', 'Dispatch', 'a/b', '__proto__'])('%j is no name of a domain', (domain) => {
  expect(() => openKeyRingFile(directory)(domain)).toThrow(TypeError);
});
