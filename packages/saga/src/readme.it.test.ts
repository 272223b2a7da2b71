import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { Runtime } from '@temporalio/worker';
import { readSagaFailure } from './index.ts';
import {
  installQuietRuntime,
  bundleFromSource,
  endOf,
  sagaGround,
  TASK_QUEUE,
} from './testing/saga-ground.ts';

installQuietRuntime();

const folder = new URL(`../../../node_modules/.cache/saga-readme-${process.pid}/`, import.meta.url);
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const [, definition = ''] = /^```js\n(\/\/ example\n[^]*?)^\/\/ rehearsal/m.exec(readme) ?? [];
const [, workflow = ''] = /^```js\n(export async function trip\([^]*?)^```/m.exec(readme) ?? [];

let ground: Awaited<ReturnType<typeof sagaGround>>;
let bundle: { readonly code: string };
beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    new URL('trip.mjs', folder),
    `${definition}
import { runSaga } from '@heliograph/saga/workflows';
import { continueAsNew, proxyActivities } from '@temporalio/workflow';
const activities = proxyActivities({ startToCloseTimeout: '10 seconds' });
const { saga, bookTrip } = defineTrip(activities);
${workflow}`,
  );
  [bundle, ground] = await Promise.all([
    bundleFromSource(new URL('trip.mjs', folder)),
    sagaGround('saga-readme'),
  ]);
});
afterAll(async () => {
  await ground.close();
  rmSync(folder, { recursive: true });
  await Runtime.instance().shutdown();
});

test('the example of the README does on a server what its rehearsal does', async () => {
  const log: string[] = [];
  const keys = new Set<string>();
  const activity =
    (name: string) =>
    async (...args: readonly unknown[]): Promise<void> => {
      log.push(name);
      keys.add(String(args.at(-1)));
      if (name === 'pay') throw ApplicationFailure.nonRetryable('the card was declined', 'CARD_DECLINED');
    };
  const names = ['bookFlight', 'cancelFlight', 'bookHotel', 'cancelHotel', 'pay', 'refund', 'pageOnCall'];
  const worker = await ground.worker(bundle, Object.fromEntries(names.map((name) => [name, activity(name)])));
  await worker.runUntil(async () => {
    const handle = await ground.client.workflow.start('trip', {
      workflowId: 'trip-1',
      taskQueue: TASK_QUEUE,
      args: [{ to: 'Oslo' }],
    });
    const { error } = await endOf(handle);
    expect(readSagaFailure(error)).toMatchObject({
      code: 'SAGA_FAILED',
      cause: { kind: 'failed', stepId: 'payment', failure: { code: 'CARD_DECLINED' } },
      compensated: ['flight', 'hotel', 'payment'],
    });
  });
  expect(log).toEqual(['bookFlight', 'bookHotel', 'pay', 'refund', 'cancelHotel', 'cancelFlight']);
  expect(keys.size).toBe(3);
});
