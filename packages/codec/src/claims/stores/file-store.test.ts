import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { describeStore, nameOf } from '../../testing/store-contract.ts';
import { createFileStore } from './file-store.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'claims-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));
const within = () => AbortSignal.timeout(10_000);

describeStore(() => createFileStore({ folder }));

describe('a file', () => {
  const fan = () => join(folder, '07');
  const path = () => join(fan(), nameOf(7));

  test('is readable by its user alone, and nothing else is left in the folder', async () => {
    const store = await createFileStore({ folder });
    await store.put(nameOf(7), Buffer.from('one'), within());
    await store.put(nameOf(7), Buffer.from('two'), within());
    expect((await stat(path())).mode & 0o777).toBe(0o600);
    expect((await stat(fan())).mode & 0o777).toBe(0o700);
    expect(await readdir(fan())).toEqual([nameOf(7)]);
  });

  test('that is a symbolic link, or in a folder that is one, is neither read, written nor replaced', async () => {
    const store = await createFileStore({ folder });
    const outside = join(folder, 'outside');
    await writeFile(outside, 'secret');
    await mkdir(fan());
    await symlink(outside, path());
    await expect(store.get(nameOf(7), 100, within())).rejects.toMatchObject({
      code: 'CODEC_CLAIMS_UNAVAILABLE',
    });
    expect(await store.put(nameOf(7), Buffer.from('x'), within())).toBe(false);
    const other = join(folder, 'other');
    await mkdir(other);
    await writeFile(join(other, nameOf(9)), 'secret');
    await symlink(other, join(folder, '09'));
    await expect(store.get(nameOf(9), 100, within())).rejects.toMatchObject({
      code: 'CODEC_CLAIMS_UNAVAILABLE',
    });
    await expect(store.put(nameOf(9), Buffer.from('x'), within())).rejects.toMatchObject({ retryable: true });
  });

  test('that a crash left half-written is not an object, and is deleted a day later', async () => {
    const store = await createFileStore({ folder });
    await store.put(nameOf(7), Buffer.from('one'), within());
    const half = join(fan(), '.half');
    await writeFile(half, 'o');
    expect(await store.list({ after: null, limit: 10 }, within())).toEqual([nameOf(7)]);
    expect(await readdir(fan())).toContain('.half');
    const old = new Date(Date.now() - 25 * 60 * 60 * 1000);
    await utimes(half, old, old);
    await store.list({ after: null, limit: 10 }, within());
    expect(await readdir(fan())).toEqual([nameOf(7)]);
  });

  test('is complete or absent when its process is killed with -9 while it writes', async () => {
    const script = `
      import { createFileStore } from ${JSON.stringify(new URL('file-store.ts', import.meta.url).href)};
      const store = await createFileStore({ folder: ${JSON.stringify(folder)} });
      const name = (n) => 'c1-' + n.toString(16).padStart(64, '0') + '.' + '0'.repeat(16);
      for (let n = 0; ; n++) {
        await store.put(name(n), Buffer.alloc(3_000_000, n + 1), AbortSignal.timeout(10000));
        if (n === 3) process.kill(process.pid, 'SIGKILL');
        void store.put(name(n + 100), Buffer.alloc(3_000_000, 7), AbortSignal.timeout(10000));
      }`;
    await promisify(execFile)(process.execPath, [
      '-C',
      '@heliograph/source',
      '--input-type=module',
      '-e',
      script,
    ]).catch((error: unknown) => expect(error).toMatchObject({ signal: 'SIGKILL' }));
    const store = await createFileStore({ folder });
    const names = await store.list({ after: null, limit: 100 }, within());
    expect(names.length).toBeGreaterThanOrEqual(4);
    for (const name of names) {
      const object = await store.get(name, 4_000_000, within());
      expect(object?.bytes).toHaveLength(3_000_000);
      expect(new Set(object?.bytes).size).toBe(1);
    }
  });

  test('that cannot be read is retryable trouble, without its path', async () => {
    const store = await createFileStore({ folder });
    await rm(folder, { recursive: true });
    await writeFile(folder, 'no folder any more');
    const error: unknown = await store.get(nameOf(7), 9, within()).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'CODEC_CLAIMS_UNAVAILABLE', retryable: true });
    expect(String(error)).not.toContain(folder);
  });
});

test.each(['missing', 'file', 'link'])('a folder that is a %s is refused', async (kind) => {
  const path = join(folder, kind);
  if (kind === 'file') await writeFile(path, '');
  if (kind === 'link') await symlink(tmpdir(), path);
  await chmod(folder, 0o700);
  await expect(createFileStore({ folder: path })).rejects.toMatchObject({ code: 'CODEC_OPTIONS_INVALID' });
});
