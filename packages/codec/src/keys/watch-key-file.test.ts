import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { watchKeyFile } from './watch-key-file.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'codec-keys-'));
  path = join(folder, 'keys.json');
});
afterEach(() => rm(folder, { recursive: true }));

const ringOf = (active: string, domains = ['dispatch'], firstByte = 0): string =>
  JSON.stringify({
    domains: Object.fromEntries(
      domains.map((domain) => [
        domain,
        {
          active,
          keys: ['k0', 'k1'].map((id, at) => ({
            id,
            key: Buffer.alloc(32, firstByte + at).toString('base64url'),
          })),
        },
      ]),
    ),
  });

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test('a ring follows its file', async () => {
  await writeFile(path, ringOf('k0'));
  const changes: string[] = [];
  const ring = await watchKeyFile(path, {
    intervalMs: 10,
    onChange: (now) => changes.push(now.activeKey('dispatch').id),
  });
  expect(ring.activeKey('dispatch').id).toBe('k0');
  await writeFile(join(folder, 'next.json'), ringOf('k1', ['dispatch', 'health']));
  await rename(join(folder, 'next.json'), path);
  await until(() => ring.activeKey('dispatch').id === 'k1');
  expect(ring.domains).toEqual(['dispatch', 'health']);
  expect(await ring.findKey('health', 'k0', null)).toMatchObject({ id: 'k0' });
  expect(changes).toEqual(['k1']);
  ring.close();
});

test.each<[string, string | null]>([
  ['is gone', null],
  ['is half-written', ringOf('k1').slice(0, 50)],
  ['gives an id another key', ringOf('k1', ['dispatch'], 7)],
  ['lacks a domain', ringOf('k1', ['health'])],
])('a file that %s changes nothing, and is reported once', async (_, text) => {
  await writeFile(path, ringOf('k0'));
  const problems: unknown[] = [];
  const ring = await watchKeyFile(path, { intervalMs: 60_000, onProblem: (error) => problems.push(error) });
  if (text === null) await rm(path);
  else await writeFile(path, text);
  await ring.reload();
  await ring.reload();
  expect(ring.activeKey('dispatch').id).toBe('k0');
  expect(problems).toHaveLength(1);
  await writeFile(path, ringOf('k0'));
  await ring.reload();
  if (text === null) await rm(path);
  else await writeFile(path, text);
  await ring.reload();
  expect(problems).toHaveLength(2);
  ring.close();
});

test('there is no ring before the first usable file', async () => {
  await expect(watchKeyFile(path)).rejects.toMatchObject({ code: 'ENOENT' });
  await writeFile(path, '{');
  await expect(watchKeyFile(path)).rejects.toMatchObject({ code: 'CODEC_KEYS_INVALID' });
});

test('an id is not given to another key either when it was away for a while', async () => {
  const only = (id: string, byte: number) => {
    const keys = [{ id, key: Buffer.alloc(32, byte).toString('base64url') }];
    return JSON.stringify({ domains: { dispatch: { active: id, keys } } });
  };
  await writeFile(path, only('k0', 1));
  const problems: unknown[] = [];
  const ring = await watchKeyFile(path, { intervalMs: 60_000, onProblem: (error) => problems.push(error) });
  for (const text of [only('k1', 2), only('k0', 3)]) {
    await writeFile(path, text);
    await ring.reload();
  }
  expect(problems).toMatchObject([{ code: 'CODEC_KEYS_INVALID', keyId: 'k0' }]);
  expect(ring.activeKey('dispatch').id).toBe('k1');
  ring.close();
});

test.each<[string, () => unknown]>([
  [
    'throws',
    () => {
      throw new Error('listener');
    },
  ],
  ['rejects', async () => Promise.reject(new Error('listener'))],
])('a listener that %s ends no watch, and is no problem of the file', async (_, fail) => {
  await writeFile(path, ringOf('k0'));
  const problems: unknown[] = [];
  const ring = await watchKeyFile(path, {
    intervalMs: 60_000,
    onChange: fail,
    onProblem: (error) => {
      problems.push(error);
      return fail();
    },
  });
  await writeFile(path, '{');
  await ring.reload();
  expect(problems).toMatchObject([{ code: 'CODEC_KEYS_INVALID' }]);
  await writeFile(path, ringOf('k1'));
  await ring.reload();
  expect(ring.activeKey('dispatch').id).toBe('k1');
  expect(problems).toHaveLength(1);
  ring.close();
});

test('a key that another process has already is read when a payload names it, by one read for all', async () => {
  await writeFile(path, ringOf('k0'));
  const problems: unknown[] = [];
  const ring = await watchKeyFile(path, { intervalMs: 60_000, onProblem: (error) => problems.push(error) });
  const unknown = { code: 'CODEC_KEY_UNKNOWN', keyId: 'k2' };
  const find = async (keyId: string, domain = 'dispatch') => ring.findKey(domain, keyId, null);
  await expect(find('k2')).rejects.toMatchObject(unknown);
  const key = (id: string, byte: number) => ({ id, key: Buffer.alloc(32, byte).toString('base64url') });
  const keys = [key('k0', 0), key('k1', 1), key('k2', 2)];
  await writeFile(path, JSON.stringify({ domains: { dispatch: { active: 'k2', keys } } }));
  const changes = await Promise.all(Array.from({ length: 50 }, () => find('k2')));
  expect(changes.map(({ id }) => id)).toEqual(changes.map(() => 'k2'));
  expect(ring.activeKey('dispatch').id).toBe('k2');
  // Known keys are given at once.
  expect(ring.findKey('dispatch', 'k1', null)).toMatchObject({ id: 'k1' });
  await writeFile(path, 'half');
  await expect(find('k3')).rejects.toMatchObject({ code: 'CODEC_KEY_UNKNOWN' });
  await expect(find('k1', 'health')).rejects.toMatchObject({ code: 'CODEC_KEY_UNKNOWN' });
  expect(problems).toHaveLength(1);
  ring.close();
  expect(() => ring.findKey('dispatch', 'k3', null)).toThrow(
    expect.objectContaining({ code: 'CODEC_KEY_UNKNOWN' }),
  );
});
