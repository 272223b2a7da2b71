import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { cacheDirectory, resolveTemporal } from './temporal-resolver.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'heliograph-resolver-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Makes an executable that answers --version. */
function binary(name: string, answer: string) {
  const path = join(directory, name);
  writeFileSync(path, `#!/bin/sh\necho '${answer}'\n`);
  chmodSync(path, 0o755);
  return path;
}

function context(environment: Record<string, string> = {}) {
  return { environment, print: () => {}, signal: new AbortController().signal };
}

describe('the first source with a recent server wins', () => {
  test('and an older one is passed over', async () => {
    const old = binary('old', 'temporal version 1.4.0 (Server 1.29.1, UI 2.0.0)');
    const recent = binary('recent', 'temporal version 1.32.1');
    const sources = [
      { what: 'first', find: async () => [old] },
      { what: 'second', find: async () => [recent] },
    ];
    expect(await resolveTemporal(context(), sources)).toEqual({
      kind: 'server',
      serverVersion: '1.32.1',
      path: recent,
    });
  });

  test('and later sources are not asked', async () => {
    const recent = binary('recent', 'temporal version 9.0.0 (Server 1.32.0, UI 2.0.0)');
    const sources = [
      { what: 'first', find: async () => [recent] },
      { what: 'second', find: () => Promise.reject(new Error('asked')) },
    ];
    expect((await resolveTemporal(context(), sources)).kind).toBe('cli');
  });
});

test('when nothing serves, one line says what was tried and how to mend it', async () => {
  const old = binary('old', 'temporal version 1.4.0 (Server 1.29.1, UI 2.0.0)');
  const wrong = binary('wrong', 'hello');
  const sources = [
    { what: 'TEMPORAL_CLI_PATH', find: async () => [old, wrong, join(directory, 'missing')] },
    { what: 'the download', find: () => Promise.reject(new Error('no answer')) },
  ];
  const failing = resolveTemporal(context(), sources);
  await expect(failing).rejects.toMatchObject({ code: 'STACK_TEMPORAL_MISSING' });
  const { message } = await failing.catch((error) => error);
  expect(message.split('\n')).toHaveLength(1);
  for (const part of [
    'has server 1.29.1',
    'wrong is not Temporal',
    'missing does not run',
    'the download (no answer)',
    'set TEMPORAL_CLI_PATH',
  ]) {
    expect(message).toContain(part);
  }
});

test.each([
  [{ HELIOGRAPH_CACHE: '/a', XDG_CACHE_HOME: '/b' }, '/a'],
  [{ XDG_CACHE_HOME: '/b' }, '/b/heliograph'],
])('the cache of %j is %s', (environment, path) => {
  expect(cacheDirectory(environment)).toBe(path);
});

test('the cache is in the home directory otherwise', () => {
  expect(cacheDirectory({})).toMatch(/\.cache\/heliograph$/);
});
