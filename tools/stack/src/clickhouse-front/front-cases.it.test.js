import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { startStack } from '../start-stack.js';
import { frontCases } from './cases.js';
import { openCaseRunner } from './run-case.js';

const directory = mkdtempSync(join(tmpdir(), 'heliograph-front-'));
/** @type {import('../start-stack.js').Stack} */
let stack;
/** @type {import('./run-case.js').CaseRunner} */
let runner;

beforeAll(async () => {
  stack = await startStack({ directory, profile: 'test', parts: ['clickhouse'] });
  runner = await openCaseRunner({ url: stack.env['HELIOGRAPH_CLICKHOUSE_URL'] ?? '', isFront: true });
});

afterAll(async () => {
  await runner?.close();
  await stack?.stop();
  rmSync(directory, { recursive: true, force: true });
});

describe.each(Object.entries(frontCases))('%s', (_topic, cases) => {
  // oxlint-disable-next-line jest/expect-expect -- a case asserts by throwing, so that it also runs outside of jest
  test.each(cases.map((it) => ({ title: it.name, it })))('$title', async ({ it }) => {
    await runner.run(it);
  });
});
