import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '@heliograph/testkit';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import proto from '@temporalio/proto';
import { Runtime, Worker } from '@temporalio/worker';
import { cancelSaga, readSagaFailure, repairSaga, sagaProgress, sagaState } from './index.ts';
import {
  installQuietRuntime,
  bundleFromSource,
  endOf,
  sagaGround,
  TASK_QUEUE,
} from './testing/saga-ground.ts';
import { createLedger, faultsOf } from './testing/saga-model.ts';
import type { Script, ScriptedStep } from './testing/script.ts';
import { createTroubledActivities, type Trouble, type TroubledCase } from './testing/troubled-activities.ts';

installQuietRuntime();

const { WorkflowTaskFailedCause } = proto.temporal.api.enums.v1;

let ground: Awaited<ReturnType<typeof sagaGround>>;
let bundle: { readonly code: string };
let worker: Worker;
let running: Promise<void>;
const cases = new Map<string, TroubledCase>();

beforeAll(async () => {
  [bundle, ground] = await Promise.all([bundleFromSource(), sagaGround('saga')]);
  worker = await ground.worker(bundle, createTroubledActivities(cases));
  running = worker.run();
});
afterAll(async () => {
  worker.shutdown();
  await running;
  await ground.close();
  await Runtime.instance().shutdown();
});

let started = 0;
async function begin(script: Script, trouble: Trouble = {}, isSkipping = true) {
  const workflowId = `saga-${++started}`;
  // Activities cancel by this handle: it has to be there before the first one.
  const latest = ground.client.workflow.getHandle(workflowId);
  const run: TroubledCase = { trouble, ledger: createLedger(), alerts: [], undos: new Map(), handle: latest };
  cases.set(workflowId, run);
  const client = isSkipping ? ground.skippingClient : ground.client;
  const handle = await client.workflow.start('scriptedSaga', {
    workflowId,
    taskQueue: TASK_QUEUE,
    args: [{ script }],
  });
  return { ...run, workflowId, handle, runId: handle.firstExecutionRunId };
}

const steps = (count: number, group: string | null = null): readonly ScriptedStep[] =>
  Array.from({ length: count }, (_, index) => ({ id: `s${index}`, isCompensable: true, group }));

/** What the first workflow task that fails says. */
const firstTaskFailure = (handle: WorkflowHandle): Promise<string> =>
  eventually('a workflow task fails', async () => {
    const { events } = await handle.fetchHistory();
    return events?.flatMap((event) => event.workflowTaskFailedEventAttributes?.failure?.message ?? [])[0];
  });

/** Everything that is wrong with how an execution ended, its replays included. */
async function faultsAtEnd(
  script: Script,
  begun: Awaited<ReturnType<typeof begin>>,
): Promise<readonly string[]> {
  const { handle, ledger, workflowId, runId, trouble } = begun;
  const { result, error } = await endOf(handle);
  const faults: string[] = [];
  const latest = ground.client.workflow.getHandle(workflowId);
  const progress = await latest.query(sagaProgress);
  const state = await latest.query(sagaState);
  const isCancelledRun = error instanceof WorkflowFailedError && error.cause instanceof CancelledFailure;
  const { status } = await latest.describe();
  const details = isCancelledRun
    ? {
        code: 'SAGA_CANCELLED' as const,
        saga: 'scripted',
        id: progress.id,
        cause: progress.cause ?? { kind: 'terminated' as const },
        compensated: [],
        uncompensated: [],
      }
    : readSagaFailure(error);
  faults.push(
    ...faultsOf({
      steps: script.steps,
      order: script.order,
      hasCompleted: error === undefined,
      details,
      progress,
      ledger,
      keyOf: (id) => `${workflowId}/${runId}/${id}`,
    }),
  );
  if (isCancelledRun !== (status.name === 'CANCELLED')) faults.push(`it is ${status.name}`);
  if (error === undefined && result !== script.steps.map(({ id }) => `${id}!`).join())
    faults.push('another result');
  if (error !== undefined && details === null) faults.push('an unexpected error');
  const isFailedFirst = details?.cause.kind === 'failed';
  if (isFailedFirst && trouble.fails === undefined) faults.push('a failure although nothing failed');
  if (details?.cause.kind === 'cancelled' && trouble.cancels === undefined)
    faults.push('cancelled by nobody');
  if (state.phase !== 'ended') faults.push('its state has not ended');
  let at: string | undefined = runId;
  while (at !== undefined) {
    const history = await ground.client.workflow.getHandle(workflowId, at).fetchHistory();
    for (const { workflowTaskFailedEventAttributes: failed } of history.events ?? [])
      // The server repeats a task if something else arrives at the last moment: that is none of ours.
      if (
        failed != null &&
        failed.cause !== WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND
      )
        faults.push(`a failed task: ${failed.failure?.message ?? ''}`);
    try {
      await Worker.runReplayHistory({ workflowBundle: bundle }, history, workflowId);
    } catch (replayError) {
      faults.push(`its replay: ${String(replayError)}`);
    }
    at =
      history.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
  }
  return faults.length === 0 ? faults : [...faults, ledger.log.join(', '), JSON.stringify(progress)];
}

/** Every position of a failure and of a cancellation in a saga of three steps. */
function positions(): readonly [Script, Trouble][] {
  const ids = ['s0', 's1', 's2'];
  const failures: Trouble['fails'][] = [
    undefined,
    ...ids.flatMap((id) => (['refused', 'resultLost'] as const).map((how) => ({ id, how }))),
    { id: 's1', how: 'tooLate' },
  ];
  const cancellations: Trouble['cancels'][] = [
    undefined,
    ...ids.flatMap((at) =>
      (['begins', 'ends', 'undo'] as const).map((when) => ({ at, when, by: 'client' as const })),
    ),
  ];
  const shapes: Partial<Script>[] = [
    {},
    { order: 'parallel', isInterruptible: true },
    { handsOver: true },
    { isTogether: true },
    { retriedBy: 'saga', handsOver: true, isInterruptible: true },
    { steps: steps(3, 'g') },
    { isTogether: true, isInterruptible: true },
  ];
  const undos: Trouble['undoFails'][] = [
    undefined,
    { id: 's0', times: 2 },
    { id: 's1', times: 'forGood' },
    { id: 's0', times: 'forGood' },
    { id: 's1', times: 1 },
  ];
  let index = 0;
  return failures.flatMap((fails) =>
    cancellations.map((cancels): [Script, Trouble] => {
      // The rest goes round, so that each pair comes up: its shape, who cancels, and what its compensations meet.
      const shape = shapes[index % shapes.length] ?? {};
      const undoFails = undos[index % undos.length];
      const rest = { by: index % 3 === 0 ? 'signal' : 'client', isTwice: index % 2 === 0 } as const;
      index++;
      const isHeard = shape.isInterruptible === true;
      return [
        {
          steps: steps(3),
          order: 'reverse',
          ...(fails?.how === 'tooLate' ? { stepTimeoutMs: 300 } : {}),
          ...shape,
        },
        { fails, undoFails, cancels: cancels && { ...cancels, ...rest, isHeard } },
      ];
    }),
  );
}

describe('every position of a failure and of a cancellation', () => {
  test('ends right, and every history replays', async () => {
    const waiting = [...positions()];
    const wrong: unknown[] = [];
    const lane = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const faults = await faultsAtEnd(next[0], await begin(...next));
        if (faults.length > 0) wrong.push({ next, faults });
      }
    };
    await Promise.all(Array.from({ length: 16 }, lane));
    expect(wrong).toEqual([]);
  });
});

describe('cancelled', () => {
  test.each(['client', 'signal'] as const)('by %s before anything ran, it does nothing', async (by) => {
    const script: Script = { steps: steps(2), order: 'reverse' };
    const workflowId = `saga-early-${by}`;
    cases.set(workflowId, {
      trouble: {},
      ledger: createLedger(),
      alerts: [],
      undos: new Map(),
      handle: ground.client.workflow.getHandle(workflowId),
    });
    // Nobody works on this task queue until the request has arrived.
    const handle = await ground.client.workflow.start('scriptedSaga', {
      workflowId,
      taskQueue: TASK_QUEUE,
      startDelay: 1000,
      args: [{ script }],
    });
    await (by === 'client' ? handle.cancel() : handle.signal(cancelSaga));
    const { error } = await endOf(handle);
    const { steps: begun, cause, outcome } = await handle.query(sagaProgress);
    expect([begun, cause?.kind, outcome]).toEqual([[], 'cancelled', 'compensated']);
    if (by === 'client') expect((await handle.describe()).status.name).toBe('CANCELLED');
    else expect(readSagaFailure(error)).toMatchObject({ code: 'SAGA_CANCELLED', compensated: [] });
  });

  test('a saga that has continued as new since ends as failed, with the cancellation as its cause', async () => {
    const script: Script = { steps: steps(3), order: 'reverse', handsOver: true };
    const { handle, ledger } = await begin(script, { cancels: { at: 's1', when: 'ends', by: 'client' } });
    const { error } = await endOf(handle);
    expect(readSagaFailure(error)).toMatchObject({
      code: 'SAGA_CANCELLED',
      cause: { kind: 'cancelled' },
      compensated: ['s0', 's1'],
    });
    expect(ledger.log).toEqual(['did s0', 'did s1', 'undid s1', 'undid s0']);
  });
});

test('a deadline compensates, after hours in virtual time', async () => {
  const script: Script = { steps: steps(2), order: 'reverse', pauseMs: 7_200_000, deadlineMs: 3_600_000 };
  const { handle, ledger } = await begin(script);
  const { error } = await endOf(handle);
  expect(readSagaFailure(error)).toMatchObject({ code: 'SAGA_DEADLINE', compensated: ['s0'] });
  expect(ledger.log).toEqual(['did s0', 'undid s0']);
});

test('somebody is told once about a compensation that takes long, and it goes on', async () => {
  const script: Script = { steps: steps(2), order: 'reverse', retriedBy: 'saga', alertAfterMs: 600_000 };
  const { handle, alerts } = await begin(script, {
    fails: { id: 's1', how: 'refused' },
    undoFails: { id: 's0', times: 20 },
  });
  const { error } = await endOf(handle);
  expect(readSagaFailure(error)).toMatchObject({ code: 'SAGA_FAILED', compensated: ['s0', 's1'] });
  expect(alerts).toMatchObject([{ phase: 'compensating', pending: ['s0'] }]);
});

test('a deploy in the middle of the compensation: a later build goes on with the state', async () => {
  const taskQueue = 'saga-next';
  const next = await bundleFromSource(new URL('testing/next-workflows.ts', import.meta.url));
  const script: Script = { steps: steps(4), order: 'reverse', handsOver: true, handsOverTo: taskQueue };
  // The first run undoes nothing but its last step; the later build has another workflow function.
  const later = await ground.worker(next, createTroubledActivities(cases), taskQueue);
  await later.runUntil(async () => {
    const { handle, ledger, workflowId, runId } = await begin(
      { ...script, isTogether: true },
      { fails: { id: 's3', how: 'resultLost' } },
    );
    const { error } = await endOf(handle);
    expect(readSagaFailure(error)).toMatchObject({
      compensated: ['s0', 's1', 's2', 's3'],
      uncompensated: [],
    });
    const undone = ledger.log.filter((line) => line.startsWith('undid '));
    expect(undone).toEqual(['undid s3', 'undid s2', 'undid s1', 'undid s0']);
    const first = await ground.client.workflow.getHandle(workflowId, runId).fetchHistory();
    const last = await ground.client.workflow.getHandle(workflowId).fetchHistory();
    const isTimer = ({
      timerStartedEventAttributes: timer,
    }: {
      timerStartedEventAttributes?: object | null;
    }) => timer != null;
    expect([first.events?.some(isTimer), last.events?.some(isTimer)]).toEqual([false, true]);
    await expect(
      Worker.runReplayHistory({ workflowBundle: next }, last, workflowId),
    ).resolves.toBeUndefined();
  });
});

describe('a mistake in the code', () => {
  test('fails the workflow task and concludes nothing', async () => {
    const { handle, ledger } = await begin(
      { steps: steps(2), order: 'reverse', bug: 'failsTask' },
      {},
      false,
    );
    await eventually('a task fails', async () => {
      const { events } = await handle.fetchHistory();
      return events?.some(({ workflowTaskFailedEventAttributes: failed }) => failed != null);
    });
    expect((await handle.describe()).status.name).toBe('RUNNING');
    expect(ledger.log).toEqual(['did s0']);
    await handle.terminate();
  });

  test('a run that continues another without its state is told, since keys would repeat', async () => {
    const script: Script = { steps: steps(3), order: 'reverse', handsOver: true, forgetsState: true };
    const { workflowId } = await begin(script, {}, false);
    const handle = ground.client.workflow.getHandle(workflowId);
    await expect(firstTaskFailure(handle)).resolves.toBe(
      `Saga scripted begins in a run of ${workflowId} that continues another: give \`id\`, unique to each, or \`resume\` the state.`,
    );
    await handle.terminate();
  });

  test('two sagas of one run with the same identity are told, since their keys would be the same', async () => {
    const start = (...ids: readonly (string | null)[]) =>
      ground.client.workflow.start('sagasInTurn', {
        workflowId: `turn-${++started}`,
        taskQueue: TASK_QUEUE,
        args: [ids],
      });
    const named = await start(null, 'second', 'third');
    await expect(named.result()).resolves.toEqual([
      `${named.workflowId}/${named.firstExecutionRunId}/step`,
      'second/step',
      'third/step',
    ]);
    for (const [handle, id] of await Promise.all([
      start(null, null).then((run) => [run, `${run.workflowId}/${run.firstExecutionRunId}`] as const),
      start('same', 'same').then((run) => [run, 'same'] as const),
    ])) {
      await expect(firstTaskFailure(handle)).resolves.toBe(
        `Saga turn begins in a run of ${handle.workflowId} that has had a saga with the identity ${id}: give it an \`id\` of its own, since keys would repeat.`,
      );
      await handle.terminate();
    }
  });

  test('compensates where the saga says so', async () => {
    const { handle, ledger } = await begin({ steps: steps(2), order: 'reverse', bug: 'compensates' });
    const { error } = await endOf(handle);
    expect(readSagaFailure(error)).toMatchObject({
      code: 'SAGA_FAILED',
      cause: { kind: 'failed', stepId: null, failure: { code: 'TypeError', message: 'oops' } },
    });
    expect(ledger.log).toEqual(['did s0', 'undid s0']);
  });
});

describe('a run that was terminated', () => {
  test('has compensated nothing; repaired, it undoes everything with the same keys', async () => {
    const script: Script = { steps: steps(3), order: 'reverse', pauseMs: 60_000 };
    const { handle, ledger, workflowId } = await begin(script, {}, false);
    await eventually('two steps are done', async () => {
      const { steps: begun } = await handle.query(sagaProgress);
      return begun.filter(({ status }) => status === 'done').length === 2;
    });
    await handle.terminate('a person was impatient');
    await endOf(handle);
    expect(ledger.log).toEqual(['did s0', 'did s1']);
    const state = repairSaga(await handle.query(sagaState));
    const repair = await ground.client.workflow.start('scriptedSaga', {
      workflowId,
      taskQueue: TASK_QUEUE,
      args: [{ script, state }],
    });
    const { error } = await endOf(repair);
    expect(readSagaFailure(error)).toMatchObject({ code: 'SAGA_TERMINATED', compensated: ['s0', 's1'] });
    expect(ledger.log.slice(2)).toEqual(['undid s1', 'undid s0']);
    expect([...ledger.present]).toEqual([]);
  });

  test('and a state that is none, or has ended, is refused in one sentence', async () => {
    const script: Script = { steps: steps(1), order: 'reverse' };
    const { handle } = await begin(script);
    await handle.result();
    const ended = await handle.query(sagaState);
    const refusals = [{ version: 1 }, ended].map(async (state, index) => {
      const { error } = await endOf(
        await ground.client.workflow.start('scriptedSaga', {
          workflowId: `saga-refused-${index}`,
          taskQueue: TASK_QUEUE,
          args: [{ script, state }],
        }),
      );
      return error instanceof WorkflowFailedError ? error.cause?.message : error;
    });
    await expect(Promise.all(refusals)).resolves.toEqual([
      expect.stringMatching(/^This is no state of a saga: saga: /),
      expect.stringMatching(/^Saga scripted \(.*\) has ended \(completed\): begin a new one/),
    ]);
  });
});
