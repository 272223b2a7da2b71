import { hostname } from 'node:os';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually, recordHistory } from '@heliograph/testkit';
import { cancellationSignal, Context, heartbeat } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import proto from '@temporalio/proto';
import { Runtime } from '@temporalio/worker';
import { cancelSaga } from '../index.ts';
import { installQuietRuntime, bundleFromSource, endOf, sagaGround, TASK_QUEUE } from './saga-ground.ts';
import type { TripActivities, TripInput } from './trip-workflows.ts';

// Records the histories that `replay.it.test.ts` replays: `npm run histories`. Names of fixtures are permanent, and
// those of code that was replaced stay as `<scenario>@<what it was>`: rename before changing, record afterwards.
const { PendingActivityState } = proto.temporal.api.enums.v1;
const DIRECTORY = new URL('../__histories__/', import.meta.url);

installQuietRuntime();

let bundle: { readonly code: string };
let ground: Awaited<ReturnType<typeof sagaGround>>;
beforeAll(async () => {
  [bundle, ground] = await Promise.all([
    bundleFromSource(new URL('trip-workflows.ts', import.meta.url)),
    sagaGround('saga-histories'),
  ]);
});
afterAll(async () => {
  await ground.close();
  await Runtime.instance().shutdown();
});

/** A failure without a stack, since a stack names paths. */
function failure(code: string, isForGood: boolean): ApplicationFailure {
  const error = ApplicationFailure.create({
    message: code.toLowerCase(),
    type: code,
    nonRetryable: isForGood,
  });
  error.stack = `ApplicationFailure: ${code.toLowerCase()}`;
  return error;
}
const refuse = async (): Promise<never> => {
  throw failure('REFUSED', true);
};
const awayOnce = <T>(work: () => Promise<T>): (() => Promise<T>) => {
  let calls = 0;
  return async () => {
    if (++calls === 1) throw failure('AWAY', false);
    return work();
  };
};
async function waitForEver(): Promise<never> {
  for (;;) {
    heartbeat();
    cancellationSignal().throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
const book = async (to: string): Promise<string> => `${Context.current().info.activityType} ${to}`;
const undo = async (): Promise<void> => undefined;
const well: TripActivities = {
  bookFlight: book,
  cancelFlight: undo,
  bookHotel: book,
  cancelHotel: undo,
  pay: book,
  refund: undo,
  sendTickets: async () => 'sent',
  pageOnCall: undo,
};

interface Recording {
  readonly activities?: Partial<TripActivities>;
  readonly input?: Partial<TripInput>;
  /** Runs when the named activity is pending, in place of waiting for the end. */
  readonly during?: readonly [
    pending: keyof TripActivities,
    act: (handle: WorkflowHandle) => Promise<unknown>,
  ];
  /** Leaves it as it is then. */
  readonly isCaught?: true;
  /** Records the last run in place of the first. */
  readonly isLastRun?: true;
}

const recordings: Readonly<Record<string, Recording>> = {
  completed: {},
  'past-pivot': {
    activities: { sendTickets: awayOnce(async () => 'sent') },
  },
  failed: { activities: { pay: refuse } },
  'failed-after-retries': { activities: { bookHotel: async () => Promise.reject(failure('AWAY', false)) } },
  uncompensated: { activities: { pay: refuse, cancelHotel: refuse } },
  'retried-by-server': {
    activities: { pay: refuse, cancelHotel: awayOnce(undo) },
  },
  cancelled: { activities: { bookHotel: waitForEver }, during: ['bookHotel', (handle) => handle.cancel()] },
  'cancelled-by-signal': {
    activities: { bookHotel: waitForEver },
    during: ['bookHotel', (handle) => handle.signal(cancelSaga, 'the recording')],
  },
  'handed-over': { activities: { pay: refuse }, input: { handsOver: true } },
  'taken-over': { activities: { pay: refuse }, input: { handsOver: true }, isLastRun: true },
  'mid-flight-forward': {
    activities: { bookHotel: waitForEver },
    during: ['bookHotel', undo],
    isCaught: true,
  },
  'mid-flight-compensation': {
    activities: { pay: refuse, cancelHotel: waitForEver },
    during: ['cancelHotel', (handle) => handle.cancel()],
    isCaught: true,
  },
  'mid-flight-pivot': {
    activities: { sendTickets: waitForEver },
    during: ['sendTickets', (handle) => handle.cancel()],
    isCaught: true,
  },
};

test.each(Object.keys(recordings))('%s', async (scenario) => {
  const { activities, input, during, isCaught, isLastRun } = recordings[scenario] ?? {};
  const worker = await ground.worker(bundle, { ...well, ...activities });
  const workflowId = `trip-${scenario}`;
  const found = await worker.runUntil(async () => {
    const handle = await ground.client.workflow.start('trip', {
      workflowId,
      taskQueue: TASK_QUEUE,
      args: [{ to: 'Oslo', ...input }],
    });
    if (during !== undefined) {
      await eventually('the activity runs', async () => {
        const { raw } = await handle.describe();
        return (raw.pendingActivities ?? []).some(
          ({ activityType, state }) =>
            activityType?.name === during[0] && state === PendingActivityState.PENDING_ACTIVITY_STATE_STARTED,
        );
      });
      await during[1](handle);
    }
    if (isCaught !== true) await endOf(handle);
    const file = await recordHistory(
      ground.client,
      { workflowId, ...(isLastRun === true ? {} : { runId: handle.firstExecutionRunId }) },
      { directory: DIRECTORY, workflowType: 'trip', scenario },
    );
    if (isCaught === true) await handle.terminate();
    const text = await readFile(file, 'utf8');
    return [hostname(), 'node_modules', 'file://'].filter((place) => text.includes(place));
  });
  expect(found).toEqual([]);
});
