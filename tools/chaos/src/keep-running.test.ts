import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from '@jest/globals';

const KEEPER = fileURLToPath(new URL('keep-running.ts', import.meta.url));

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function readPid(file: string, other?: number): Promise<number> {
  for (;;) {
    let pid = 0;
    try {
      pid = Number(readFileSync(file, 'utf8'));
    } catch {
      // Not written yet.
    }
    if (pid > 0 && pid !== other) return pid;
    await sleep(20);
  }
}

test('a killed process runs again under another pid, and ends when its keeper is stopped', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'keep-running-'));
  closers.push(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'pid');
  const command = [process.execPath, '-e', 'setInterval(() => {}, 60_000)'];
  const keeper = spawn(process.execPath, [KEEPER, file, ...command]);
  const ended = new Promise((resolve) => keeper.once('exit', resolve));
  closers.push(() => keeper.kill('SIGTERM'));
  const first = await readPid(file);
  process.kill(first, 'SIGKILL');
  const second = await readPid(file, first);
  expect(() => process.kill(first, 0)).toThrow('ESRCH');
  keeper.kill('SIGTERM');
  await ended;
  expect(() => process.kill(second, 0)).toThrow('ESRCH');
});
