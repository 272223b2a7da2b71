import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { tryLock, withFileLock } from './file-lock.js';
import { identify } from './process-identity.js';

let directory = '';
let path = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'heliograph-lock-'));
  path = join(directory, 'lock');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const { signal } = new AbortController();
const GONE = JSON.stringify({ pid: 2 ** 22 + 1, startTime: '1' });

test('a task runs under the lock, and nothing is left afterwards', async () => {
  const during = await withFileLock(path, { signal }, async () => readFileSync(path, 'utf8'));
  expect(JSON.parse(during)).toEqual(identify(process.pid));
  expect(readdirSync(directory)).toEqual([]);
});

test('a lock that belongs to another by now is not released', async () => {
  await withFileLock(path, { signal }, async () => writeFileSync(path, GONE));
  expect(readFileSync(path, 'utf8')).toBe(GONE);
});

test.each([GONE, '', '{"pid":', 'null', '{"pid":"1","startTime":"1"}'])(
  'a lock that says %j does not count',
  async (content) => {
    writeFileSync(path, content);
    expect(await withFileLock(path, { signal }, async () => 'done')).toBe('done');
    expect(readdirSync(directory)).toEqual([]);
  },
);

test('two tasks at once over a stale lock run one after the other', async () => {
  writeFileSync(path, GONE);
  let running = 0;
  let most = 0;
  const task = async () => {
    most = Math.max(most, ++running);
    await delay(20);
    running--;
  };
  await Promise.all([1, 2, 3].map(() => withFileLock(path, { signal }, task)));
  expect(most).toBe(1);
  expect(existsSync(path)).toBe(false);
});

test('a waiter names the owner once, and ends when it is aborted', async () => {
  const owner = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  try {
    await once(owner, 'spawn');
    writeFileSync(path, JSON.stringify(identify(owner.pid ?? 0)));
    expect(tryLock(path)).toEqual({ owner: identify(owner.pid ?? 0) });
    /** @type {number[]} */
    const pids = [];
    const stop = AbortSignal.timeout(1200);
    await expect(
      withFileLock(path, { signal: stop, onWait: (pid) => void pids.push(pid) }, async () => 'done'),
    ).rejects.toThrow(/aborted/);
    expect(pids).toEqual([owner.pid]);
    expect(readdirSync(directory)).toEqual(['lock']);
  } finally {
    owner.kill('SIGKILL');
    await once(owner, 'exit');
  }
});
