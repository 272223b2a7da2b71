import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '@heliograph/testkit';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { endOf, openPolicyGround, type PolicyGround, timesOf } from '../testing/policy-ground.ts';
import { installTemporalRuntime } from '../worker/runtime.ts';
import { ACTIVITY_CLASSES } from './activity-classes.ts';
import { limit } from './limit.ts';
import { workflowTimeouts } from './options.ts';
import { defineWorkflowClass } from './workflow-class.ts';
import { WORKFLOW_CLASSES } from './workflow-classes.ts';

const DAY_MS = 86_400_000;
installTemporalRuntime({ logger: new DefaultLogger('ERROR') });
let ground: PolicyGround;
beforeAll(async () => {
  ground = await openPolicyGround();
});
afterAll(async () => {
  await ground.close();
  await Runtime.instance().shutdown();
});

describe('timeouts of a workflow', () => {
  test.each([
    ['request', 'execution'],
    ['batch', 'execution'],
  ] as const)('%s ends when its %s timeout has passed', async (name, field) => {
    const policy = WORKFLOW_CLASSES[name];
    const handle = await ground.start(ground.skipping, 'workAndUndo', [], workflowTimeouts(policy));
    await expect(endOf(handle)).resolves.toMatchObject({ failure: { name: 'TimeoutFailure' } });
    const { tookMs } = await timesOf(handle);
    expect(tookMs).toBeGreaterThanOrEqual(policy[field].ms);
    expect(tookMs).toBeLessThan(policy[field].ms + 10_000);
  });

  test('a run timeout ends the run', async () => {
    const policy = defineWorkflowClass({ ...WORKFLOW_CLASSES.entity, run: limit('2 d', 'for this test') });
    const handle = await ground.start(ground.skipping, 'workAndUndo', [], workflowTimeouts(policy));
    await expect(endOf(handle)).resolves.toMatchObject({ failure: { name: 'TimeoutFailure' } });
    expect((await timesOf(handle)).tookMs).toBeGreaterThanOrEqual(2 * DAY_MS);
  });

  test('an execution timeout skips the compensation', async () => {
    const handle = await ground.start(
      ground.skipping,
      'workAndUndo',
      [],
      workflowTimeouts(WORKFLOW_CLASSES.request),
    );
    await endOf(handle);
    expect(ground.undone).not.toContain(handle.workflowId);
  });

  test('a deadline inside compensates first, however long that takes', async () => {
    const handle = await ground.start(
      ground.skipping,
      'workUntil',
      [DAY_MS],
      workflowTimeouts(WORKFLOW_CLASSES.moneyMovement),
    );
    await expect(handle.result()).rejects.toMatchObject({
      cause: {
        type: 'DEADLINE_EXCEEDED',
        nonRetryable: true,
        message: expect.stringMatching(/^not done by 20/),
      },
    });
    expect(ground.undone).toContain(handle.workflowId);
    const { tookMs } = await timesOf(handle);
    expect(tookMs).toBeGreaterThanOrEqual(8 * DAY_MS);
    expect(tookMs).toBeLessThan(8 * DAY_MS + 60_000);
  });

  test('work that ends before its deadline is not touched by it', async () => {
    const handle = await ground.start(ground.skipping, 'workUntil', [90 * DAY_MS], {});
    await expect(endOf(handle)).resolves.toEqual({ result: 'done' });
    expect((await timesOf(handle)).tookMs).toBeLessThan(31 * DAY_MS);
  });

  test('a cancellation of the workflow stays one, and compensates as well', async () => {
    const handle = await ground.start(ground.skipping, 'workUntil', [90 * DAY_MS], { startDelay: '1 h' });
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect(ground.undone).toContain(handle.workflowId);
  });

  test('the task timeout hands a task whose worker died to another', async () => {
    const policy = defineWorkflowClass({
      ...WORKFLOW_CLASSES.entity,
      task: limit('1 s', 'a tenth, for this test'),
    });
    const handle = await ground.start(ground.real, 'callOnce', [ACTIVITY_CLASSES.quickRead], {
      ...workflowTimeouts(policy),
      taskQueue: 'dies-first',
    });
    const { workflowService } = ground.fresh.connection;
    await ground.fresh.connection.withDeadline(Date.now() + 30_000, () =>
      workflowService.pollWorkflowTaskQueue({
        namespace: ground.fresh.namespace,
        taskQueue: { name: 'dies-first' },
        identity: 'dead',
      }),
    );
    await eventually('the task has timed out', async () => {
      const { events } = await handle.fetchHistory();
      return (events ?? []).some(({ workflowTaskTimedOutEventAttributes: task }) => task != null);
    });
    await expect(handle.describe()).resolves.toMatchObject({ status: { name: 'RUNNING' } });
    await handle.terminate();
  });
});
