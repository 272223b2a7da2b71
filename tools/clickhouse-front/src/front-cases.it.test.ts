import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { frontCases } from './cases/front-cases.ts';
import { FRONT_PROGRAM } from './index.ts';
import { openCaseRunner, type CaseRunner } from './run-case.ts';

const directory = mkdtempSync(join(tmpdir(), 'heliograph-front-'));
let front: ChildProcess | undefined;
let runner: CaseRunner;

beforeAll(async () => {
  const child = spawn(process.execPath, [FRONT_PROGRAM, directory, '0'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, HELIOGRAPH_FRONT_PASSWORD: 'secret', UV_THREADPOOL_SIZE: '16', TZ: 'UTC' },
  });
  front = child;
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /ready on port (\d+)/.exec(line)?.[1];
    if (port === undefined) continue;
    runner = await openCaseRunner({ url: `http://default:secret@127.0.0.1:${port}`, isFront: true });
    return;
  }
  throw new Error('the front ended before it was ready');
});

afterAll(async () => {
  await runner?.close();
  if (front !== undefined) {
    const ended = once(front, 'exit');
    front.stdin?.end();
    await ended;
  }
  rmSync(directory, { recursive: true, force: true });
});

describe.each(Object.entries(frontCases))('%s', (_topic, cases) => {
  // oxlint-disable-next-line jest/expect-expect -- a case asserts by throwing, so that it also runs outside of jest
  test.each(cases.map((it) => ({ title: it.name, it })))('$title', async ({ it }) => {
    await runner.run(it);
  });
});
