import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '@heliograph/testkit';
import { ApplicationFailure } from '@temporalio/common';
import { Runtime, Worker } from '@temporalio/worker';
import { readSagaFailure, sagaProgress, type SagaProgress } from './index.ts';
import {
  bundleFromSource,
  endOf,
  installQuietRuntime,
  sagaGround,
  TASK_QUEUE,
} from './testing/saga-ground.ts';
import type { WaitingActivities } from './testing/waiting-workflows.ts';

installQuietRuntime();

let ground: Awaited<ReturnType<typeof sagaGround>>;
let bundle: { readonly code: string };
beforeAll(async () => {
  [bundle, ground] = await Promise.all([
    bundleFromSource(new URL('testing/waiting-workflows.ts', import.meta.url)),
    sagaGround('saga-alert'),
  ]);
});
afterAll(async () => {
  await ground.close();
  await Runtime.instance().shutdown();
});

test.each([
  ['waitsForStep', 'deadline', 'SAGA_DEADLINE', ['first', 'undo held', 'undo first']],
  ['waitsForStep', 'cancelled', undefined, ['first', 'undo held', 'undo first']],
  ['waitsBeside', null, 'SAGA_STUCK', ['pivot']],
] as const)('somebody is told of what %s (%s) waits for', async (type, interruption, code, expected) => {
  const alerts: SagaProgress[] = [];
  const log: string[] = [];
  const activities: WaitingActivities = {
    act: async (name) => void log.push(name),
    hold: async () => {
      if (alerts.length === 0) throw ApplicationFailure.retryable('away', 'AWAY');
    },
    refuse: async () => Promise.reject(ApplicationFailure.nonRetryable('refused', 'REFUSED')),
    tell: async (progress) => void alerts.push(progress),
  };
  const worker = await ground.worker(bundle, activities);
  await worker.runUntil(async () => {
    const handle = await ground.client.workflow.start(type, {
      workflowId: `${type}-${String(interruption)}`,
      taskQueue: TASK_QUEUE,
      args: [interruption === 'deadline' ? 500 : 600_000],
    });
    if (interruption === 'cancelled') {
      await eventually('the step runs', async () => (await handle.query(sagaProgress)).steps.length === 2);
      await handle.cancel();
    }
    const { error } = await endOf(handle);
    expect(readSagaFailure(error)?.code).toBe(code);
    if (interruption === 'cancelled') expect((await handle.describe()).status.name).toBe('CANCELLED');
    expect(alerts.map((told) => [told.phase, told.interruption?.kind ?? null])).toEqual([
      ['forward', interruption],
    ]);
    expect(log).toEqual(expected);
    await expect(
      Worker.runReplayHistory({ workflowBundle: bundle }, await handle.fetchHistory(), handle.workflowId),
    ).resolves.toBeUndefined();
  });
});
