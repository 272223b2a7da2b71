import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Outcome } from '@heliograph/notifier';
import { bundleWorkflows, installTemporalRuntime } from '@heliograph/temporal-worker';
import { eventually } from '@heliograph/testkit';
import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import type { DeliveryOrder } from '../contract/delivery-order.ts';
import type { IssueSignal, IssueStatus } from '../contract/issue-signal.ts';
import type { StreamKey, StreamState } from '../contract/stream-state.ts';
import { bundleFromSource } from '../testing/dispatch-ground.ts';
import { scriptedReceiver } from '../testing/scripted-receiver.ts';
import {
  type FakeActivities,
  fakeActivities,
  signalAt,
  signalStream,
  workflowGround,
} from '../testing/workflow-ground.ts';

installTemporalRuntime({ logger: new DefaultLogger('ERROR') });

let bundle: { readonly code: string };
let ground: Awaited<ReturnType<typeof workflowGround>>;
let last = 0;

beforeAll(async () => {
  bundle = await bundleFromSource();
});
// A namespace for each test: a task that is handed to a worker which is just stopping comes again only after a timeout.
beforeEach(async () => {
  ground = await workflowGround('alert');
});
afterEach(async () => {
  await ground.close();
});
afterAll(() => Runtime.instance().shutdown());

const newStream = (): StreamKey => ({ fingerprint: `f${++last}`, routeId: 'r1', connectedAppId: 'app1' });
const stateAt = (position: number): StreamState => ({
  notificationCount: 1,
  lastNotifiedAt: 1,
  status: 'firing',
  lastPosition: String(position),
  externalIds: {},
});
const handleOf = (stream: StreamKey) => ground.client.workflow.getHandle(alertWorkflowId(stream));

async function whileWorking(activities: FakeActivities, run: () => Promise<unknown>): Promise<void> {
  const worker = await ground.worker(bundle, activities);
  await worker.runUntil(run);
}

/** How often each event type is in the history of a stream's latest run. */
async function eventsOf(stream: StreamKey): Promise<readonly string[]> {
  const { events } = await handleOf(stream).fetchHistory();
  return (events ?? []).flatMap((event) =>
    Object.keys(event).filter((key) => key.endsWith('EventAttributes')),
  );
}
const count = (events: readonly string[], name: string): number =>
  events.filter((each) => each === `${name}EventAttributes`).length;

/** An activity that fails the given number of times. */
function failingFirst<A extends readonly unknown[], R>(
  times: number,
  run: (...args: A) => Promise<R>,
): {
  readonly run: (...args: A) => Promise<R>;
  readonly attempts: { local: boolean; runId: string | undefined }[];
} {
  const attempts: { local: boolean; runId: string | undefined }[] = [];
  return {
    attempts,
    run: async (...args) => {
      const { isLocal, workflowExecution } = activityInfo();
      attempts.push({ local: isLocal, runId: workflowExecution?.runId });
      if (attempts.length <= times) throw new Error('away');
      return run(...args);
    },
  };
}

/** Something was notified and is open; the next signals are at 1 and above. */
const OPEN: StreamState = {
  notificationCount: 1,
  lastNotifiedAt: 1,
  status: 'firing',
  lastPosition: '0',
  externalIds: {},
};

describe('an alert stream', () => {
  test('delivers in one workflow task, without a timer or a regular activity, and ends', async () => {
    const stream = newStream();
    const { activities, delivered } = fakeActivities();
    await whileWorking(activities, async () => {
      await signalStream(ground.client, stream, signalAt(1));
      await handleOf(stream).result();
    });
    expect(delivered).toMatchObject([
      {
        stream,
        kind: 'trigger',
        notificationId: `${alertWorkflowId(stream)}-1`,
        reason: 'new',
        issue: { position: '1' },
      },
    ]);
    const events = await eventsOf(stream);
    expect(count(events, 'workflowTaskCompleted')).toBe(1);
    expect(count(events, 'timerStarted') + count(events, 'activityTaskScheduled')).toBe(0);
    // One local activity; nothing was asked about later behaviour.
    expect(count(events, 'markerRecorded')).toBe(1);
  });

  test('starts again under its id with the state that it recorded', async () => {
    const stream = newStream();
    const { activities, delivered } = fakeActivities();
    await whileWorking(activities, async () => {
      for (const signal of [signalAt(1), signalAt(2), signalAt(3, 'resolved'), signalAt(3), signalAt(4)]) {
        await signalStream(ground.client, stream, signal);
        await handleOf(stream).result();
      }
    });
    expect(delivered.map(({ kind, issue }) => [kind, issue.position])).toEqual([
      ['trigger', '1'],
      ['resolve', '3'],
      ['trigger', '4'],
    ]);
    expect(delivered[1]?.state).toMatchObject({ notificationCount: 1, externalIds: { webhook: 'ext-1' } });
  });

  test.each<[string, Partial<FakeActivities>, number]>([
    [
      'that is still pending, after the wait that was asked for',
      { deliverAndRecord: async () => ({ kind: 'pending', code: 'RATE_LIMITED', waitMs: 5000 }) },
      5000,
    ],
    [
      'that failed',
      {
        deliverAndRecord: async () => {
          throw new Error('away');
        },
      },
      0,
    ],
  ])('continues patiently after a quick delivery %s', async (_, quick, waitMs) => {
    const stream = newStream();
    const patient: (DeliveryOrder & { readonly local: boolean })[] = [];
    const { activities, accept } = fakeActivities({
      ...quick,
      deliverPatiently: async (order) => {
        patient.push({ ...order, local: activityInfo().isLocal });
        return accept(order);
      },
    });
    await whileWorking(activities, async () => {
      await signalStream(ground.client, stream, signalAt(1));
      await handleOf(stream).result();
    });
    expect(patient).toMatchObject([
      { waitMs, local: false, notificationId: `${alertWorkflowId(stream)}-1`, kind: 'trigger' },
    ]);
  });

  test('whose notification was dropped tries again with the next issue', async () => {
    const stream = newStream();
    const { activities, accept, delivered } = fakeActivities({
      deliverAndRecord: async (order) =>
        order.issue.position === '1' ? { kind: 'dropped', code: 'REJECTED' } : accept(order),
    });
    await whileWorking(activities, async () => {
      await signalStream(ground.client, stream, signalAt(1));
      await handleOf(stream).result();
      await signalStream(ground.client, stream, signalAt(2));
      await handleOf(stream).result();
    });
    expect(delivered.map(({ issue }) => issue.position)).toEqual(['2']);
  });

  test('that cannot be opened at once reads its state by a regular activity, for as long as it takes', async () => {
    const stream = newStream();
    const fake = fakeActivities();
    fake.states.set(alertWorkflowId(stream), stateAt(5));
    const read = failingFirst(4, (key: StreamKey) => fake.activities.readStreamState(key));
    await whileWorking({ ...fake.activities, readStreamState: read.run }, async () => {
      await signalStream(ground.skippingClient, stream, signalAt(4, 'resolved'));
      await handleOf(stream).result();
    });
    expect(read.attempts.map(({ local }) => local)).toEqual([true, false, false, false, false]);
    expect(fake.delivered).toEqual([]);
  });

  test('does not end before what was delivered is recorded', async () => {
    const stream = newStream();
    const fake = fakeActivities({
      deliverAndRecord: async () => ({
        kind: 'delivered',
        provider: 'webhook',
        externalId: 'x',
        recorded: false,
      }),
    });
    const recorded: [StreamKey, StreamState][] = [];
    const record = failingFirst(20, async (key: StreamKey, state: StreamState) => {
      recorded.push([key, state]);
    });
    await whileWorking({ ...fake.activities, recordStreamState: record.run }, async () => {
      await signalStream(ground.skippingClient, stream, signalAt(1));
      await handleOf(stream).result();
    });
    expect(record.attempts).toHaveLength(21);
    expect(recorded).toMatchObject([
      [stream, { status: 'firing', notificationCount: 1, lastPosition: '1', externalIds: { webhook: 'x' } }],
    ]);
  });

  test('delivers after an outage of hours, to which it lost no signal', async () => {
    const stream = newStream();
    const fake = fakeActivities({
      deliverAndRecord: async () => {
        throw new Error('away');
      },
    });
    const patient = failingFirst(300, (order: DeliveryOrder) => fake.activities.deliverPatiently(order));
    await whileWorking({ ...fake.activities, deliverPatiently: patient.run }, async () => {
      await signalStream(ground.skippingClient, stream, signalAt(1));
      await signalStream(ground.skippingClient, stream, signalAt(2, 'resolved'));
      await handleOf(stream).result();
    });
    expect(fake.delivered.map(({ kind }) => kind)).toEqual(['trigger', 'resolve']);
    const { startTime, closeTime } = await handleOf(stream).describe();
    expect((closeTime?.getTime() ?? 0) - startTime.getTime()).toBeGreaterThan(45 * 60_000);
  });
});

describe('an alert stream with its real deliveries', () => {
  const refused: Outcome = { kind: 'rejected', retryable: true, code: 'HTTP_STATUS', status: 503 };
  const throttled: Outcome = { kind: 'rate-limited', retryAfterMs: 1000, status: 429 };
  const inDoubt: Outcome = { kind: 'uncertain', code: 'TIMEOUT' };
  const final: Outcome = { kind: 'rejected', retryable: false, code: 'HTTP_STATUS', status: 400 };

  /** Lets a stream live through the statuses, one run after another; the receiver answers so in turn. */
  async function live(statuses: readonly IssueStatus[], ...answers: readonly Outcome[]) {
    const stream = newStream();
    const receiver = await scriptedReceiver(ground.client, stream, ...answers);
    const worker = await ground.realWorker(bundle, receiver.activities);
    await worker.runUntil(async () => {
      for (const status of statuses) {
        await signalStream(ground.client, stream, await receiver.report(status));
        await handleOf(stream).result();
      }
    });
    const { tables, received } = receiver;
    const state = await receiver.stores.streams.read(stream);
    return { ...receiver, stream, state, intents: [...tables.intents.values()], received };
  }

  test.each<[string, readonly Outcome[], number]>([
    ['is refused for a while', [refused, refused], 3],
    ['is throttled', [throttled], 2],
    ['is in doubt', [inDoubt], 2],
    ['meets all of it', [inDoubt, throttled, refused], 4],
  ])(
    'delivers patiently what %s: under one id, with one body',
    async (_, answers, attempts) => {
      const { received, intents, state } = await live(['firing'], ...answers);
      expect(received).toHaveLength(attempts);
      expect(new Set(received.map((each) => JSON.stringify(each))).size).toBe(1);
      expect(intents).toMatchObject([
        { status: 'delivered', claims: attempts, wasUncertain: answers.includes(inDoubt) },
      ]);
      expect(state).toMatchObject({ status: 'firing', notificationCount: 1 });
    },
    120_000,
  );

  test('closes what may be open: a trigger in doubt that was dropped is resolved under its episode', async () => {
    const { received, state, intents } = await live(['firing', 'firing', 'resolved'], inDoubt, final, final);
    expect(received.map(({ kind }) => kind)).toEqual(['trigger', 'trigger', 'trigger', 'resolve']);
    expect(new Set(received.map(({ episodeId }) => episodeId)).size).toBe(1);
    expect(intents.map(({ status }) => status)).toEqual(['dropped', 'dropped', 'delivered']);
    expect(state).toMatchObject({ status: 'resolved' });
    expect(state.mayBeOpen ?? false).toBe(false);
  }, 120_000);
});

describe('signals that come while a batch is handled', () => {
  test('are collected for the batch window and handled together', async () => {
    const stream = newStream();
    const fake = fakeActivities({
      deliverAndRecord: async (order) =>
        order.issue.position === '3'
          ? { kind: 'pending', code: 'TIMEOUT', waitMs: 0, inSlot: true }
          : fake.accept(order),
      deliverPatiently: async (order) => {
        await signalStream(ground.client, stream, signalAt(5, 'resolved'));
        await signalStream(ground.client, stream, signalAt(4));
        return fake.accept(order);
      },
    });
    fake.states.set(alertWorkflowId(stream), stateAt(1));
    await signalStream(ground.skippingClient, stream, signalAt(2, 'suppressed'), 1_800_000);
    await signalStream(ground.skippingClient, stream, signalAt(3, 'resolved'));
    await whileWorking(fake.activities, () => handleOf(stream).result());
    expect(fake.delivered.map(({ kind, issue }) => [kind, issue.position])).toEqual([
      ['resolve', '3'],
      ['trigger', '4'],
      ['resolve', '5'],
    ]);
    const { events } = await handleOf(stream).fetchHistory();
    const timers = (events ?? []).flatMap(({ timerStartedEventAttributes: timer }) =>
      timer ? [Number(timer.startToFireTimeout?.seconds)] : [],
    );
    expect(timers).toEqual([1800]);
  });

  test('and the first notification is still on its way are handled after it, in their order', async () => {
    const stream = newStream();
    const fake = fakeActivities({
      deliverAndRecord: async (order) =>
        order.issue.position === '2' ? { kind: 'pending', code: 'TIMEOUT', waitMs: 0 } : fake.accept(order),
      deliverPatiently: async (order) => {
        for (const signal of [signalAt(4), signalAt(1, 'resolved'), signalAt(3, 'resolved'), signalAt(2)])
          await signalStream(ground.client, stream, signal);
        return fake.accept(order);
      },
    });
    await whileWorking(fake.activities, async () => {
      await signalStream(ground.client, stream, signalAt(2));
      await handleOf(stream).result();
    });
    expect(fake.delivered.map(({ kind, issue }) => [kind, issue.position])).toEqual([
      ['trigger', '2'],
      ['resolve', '3'],
      ['trigger', '4'],
    ]);
  });

  test('are never lost, however runs end and start again, and stay in order within their stream', async () => {
    const streams = Array.from({ length: 3 }, newStream);
    const perStream = 120;
    const { activities, delivered } = fakeActivities();
    const runs = new Set<string>();
    await whileWorking(activities, async () => {
      await Promise.all(
        streams.map(async (stream) => {
          for (let position = 1; position <= perStream; position++) {
            const status = position % 2 === 1 ? 'firing' : 'resolved';
            runs.add(await signalStream(ground.client, stream, signalAt(position, status), 5));
          }
        }),
      );
      await Promise.all(streams.map((stream) => handleOf(stream).result()));
    });
    const expected = Array.from({ length: perStream }, (_, index) => String(index + 1));
    for (const { fingerprint } of streams) {
      const positions = delivered
        .filter(({ stream }) => stream.fingerprint === fingerprint)
        .map(({ issue }) => issue.position);
      expect(positions.filter((each, index) => each !== positions[index - 1])).toEqual(expected);
    }
    expect(runs.size).toBeGreaterThan(streams.length);
  }, 180_000);

  test('and are more than a run may take are carried on to the next, with the state', async () => {
    const stream = newStream();
    const total = 2100;
    let begun = false;
    let open = false;
    let firstRun = '';
    const fake = fakeActivities({
      deliverAndRecord: async (order) =>
        Number(order.issue.position) <= 2
          ? { kind: 'pending', code: 'TIMEOUT', waitMs: 0 }
          : fake.accept(order),
      deliverPatiently: async (order) => {
        begun = true;
        // Few enough to be carried on: they come while the many are handled.
        if (order.issue.position === '2') await signalStream(ground.client, stream, signalAt(total + 1));
        await eventually(
          'all are sent',
          () => {
            heartbeat();
            return open;
          },
          { timeoutMs: 50_000 },
        );
        return fake.accept(order);
      },
    });
    const read = failingFirst(0, (key: StreamKey) => fake.activities.readStreamState(key));
    fake.states.set(alertWorkflowId(stream), OPEN);
    await whileWorking({ ...fake.activities, readStreamState: read.run }, async () => {
      firstRun = await signalStream(ground.client, stream, signalAt(1, 'resolved'));
      await eventually('the first batch is being handled', () => begun);
      for (let position = 2; position <= total; position += 50) {
        const chunk = Array.from(
          { length: Math.min(50, total - position + 1) },
          (_, index) => position + index,
        );
        await Promise.all(
          chunk.map((each) =>
            signalStream(ground.client, stream, signalAt(each, each === total ? 'resolved' : 'firing')),
          ),
        );
      }
      open = true;
      await handleOf(stream).result();
      const { runId } = await handleOf(stream).describe();
      expect(runId).not.toBe(firstRun);
      const [first] = (await handleOf(stream).fetchHistory()).events ?? [];
      expect(first?.workflowExecutionStartedEventAttributes?.firstExecutionRunId).toBe(firstRun);
    });
    expect(fake.delivered.map(({ kind, issue }) => [kind, issue.position])).toEqual([
      ['resolve', '1'],
      ['trigger', '2'],
      ['resolve', String(total)],
      ['trigger', String(total + 1)],
    ]);
    // What came between was superseded, and passed no decision.
    expect(fake.delivered[2]?.state).toMatchObject({ notificationCount: 3, lastPosition: '2' });
    expect(fake.silent).toMatchObject([
      {
        reason: 'superseded_by_newer',
        first: { position: '3' },
        last: { position: String(total - 1) },
        count: total - 3,
      },
    ]);
    // A workflow task that is run again reads again; the run that was carried on to does not.
    expect(new Set(read.attempts.map(({ runId }) => runId))).toEqual(new Set([firstRun]));
  }, 180_000);
});

describe('a run that takes too many signals while its delivery waits', () => {
  const total = 2300;
  const ofRun = async (stream: StreamKey, runId: string) => {
    const { events = [] } = await ground.client.workflow
      .getHandle(alertWorkflowId(stream), runId)
      .fetchHistory();
    return (events ?? []).flatMap((event) => Object.keys(event).filter((key) => key.endsWith('Attributes')));
  };
  const signalMany = async (stream: StreamKey): Promise<void> => {
    for (let position = 2; position <= total; position += 50)
      await Promise.all(
        Array.from({ length: Math.min(50, total - position + 1) }, (_, index) =>
          signalStream(
            ground.client,
            stream,
            signalAt(position + index, position + index === total ? 'resolved' : 'firing'),
          ),
        ),
      );
  };

  test('asks a patient delivery to come back, and the next run goes on with it, as it was', async () => {
    const stream = newStream();
    const patient: DeliveryOrder[] = [];
    let isAlive = false;
    const fake = fakeActivities({
      deliverAndRecord: async (order) =>
        order.issue.position === '1'
          ? { kind: 'pending', code: 'TIMEOUT', waitMs: 0, failures: 1 }
          : fake.accept(order),
      deliverPatiently: async (order) => {
        patient.push(order);
        const { failures = 0 } = order;
        const asked = cancellationSignal();
        await eventually(
          'it lives, or is asked back',
          () => {
            heartbeat();
            return isAlive || asked.aborted;
          },
          { timeoutMs: 50_000 },
        );
        return isAlive
          ? fake.accept(order)
          : {
              kind: 'pending',
              code: 'CONNECT_FAILED',
              waitMs: 50,
              failures: failures + 5,
              wasThrottled: true,
              handBacks: 2,
              inSlot: false,
            };
      },
    });
    await whileWorking(fake.activities, async () => {
      const firstRun = await signalStream(ground.client, stream, signalAt(1));
      await eventually('it waits', () => patient.length === 1);
      await signalMany(stream);
      await eventually('the next run waits', () => patient.length === 2, { timeoutMs: 40_000 });
      isAlive = true;
      await handleOf(stream).result();
      expect(await ofRun(stream, firstRun)).toContain('workflowExecutionContinuedAsNewEventAttributes');
    });
    expect(patient[1]).toMatchObject({
      notificationId: patient[0]?.notificationId,
      decidedAt: patient[0]?.decidedAt,
      state: patient[0]?.state,
      failures: 6,
      wasThrottled: true,
      handBacks: 2,
    });
    expect(patient[1]?.timeToLiveMs).toBeLessThan(patient[0]?.timeToLiveMs ?? 0);
    expect(fake.delivered.map(({ kind, issue }) => [kind, issue.position])).toEqual([
      ['trigger', '1'],
      ['resolve', String(total)],
    ]);
  }, 180_000);

  test('leaves a timer, and the next run goes on with it', async () => {
    const stream = newStream();
    let isAlive = false;
    let attempts = 0;
    const fake = fakeActivities({
      deliverAndRecord: async (order) =>
        order.issue.position === '1'
          ? { kind: 'pending', code: 'RATE_LIMITED', waitMs: 3_000_000, inSlot: false }
          : fake.accept(order),
      deliverPatiently: async (order) => {
        attempts++;
        return isAlive ? fake.accept(order) : { kind: 'pending', code: 'X', waitMs: 10, inSlot: false };
      },
    });
    await whileWorking(fake.activities, async () => {
      const firstRun = await signalStream(ground.client, stream, signalAt(1));
      await signalMany(stream);
      await eventually(
        'the next run waits',
        async () => {
          const { runId } = await handleOf(stream).describe();
          return runId !== firstRun && (await ofRun(stream, runId)).includes('timerStartedEventAttributes');
        },
        { timeoutMs: 40_000 },
      );
      expect(await ofRun(stream, firstRun)).toContain('timerCanceledEventAttributes');
      expect(attempts).toBe(0);
      isAlive = true;
      const { runId } = await handleOf(stream).describe();
      const [timer] = (
        (await ground.client.workflow.getHandle(alertWorkflowId(stream), runId).fetchHistory()).events ?? []
      ).flatMap(({ timerStartedEventAttributes: started }) => (started ? [started] : []));
      expect(Number(timer?.startToFireTimeout?.seconds)).toBeGreaterThan(2900);
      await handleOf(stream).terminate('seen enough');
    });
  }, 180_000);
});

describe('behaviour that came later', () => {
  /** Runs one stream from a state to its end and gives back its result and its patches. */
  async function runFrom(state: StreamState | null, ...signals: readonly IssueSignal[]) {
    const stream = newStream();
    const fake = fakeActivities();
    if (state !== null) fake.states.set(alertWorkflowId(stream), state);
    for (const signal of signals) await signalStream(ground.client, stream, signal);
    let result: unknown;
    await whileWorking(fake.activities, async () => {
      result = await handleOf(stream).result();
    });
    const events = await eventsOf(stream);
    return {
      stream,
      result,
      sent: fake.delivered.map(({ kind, reason }) => [kind, reason]),
      silent: fake.silent,
      isPatched: count(events, 'upsertWorkflowSearchAttributes') > 0,
    };
  }
  const old = (signal: IssueSignal): IssueSignal => ({ ...signal, storedAt: signal.storedAt - 3_600_001 });

  test('suppression bypass: what fires after it was suppressed is notified at once', async () => {
    await expect(runFrom(OPEN, signalAt(1, 'suppressed'), signalAt(2))).resolves.toMatchObject({
      sent: [['update', 'suppression_bypass']],
      isPatched: true,
    });
  });

  test('staleness: what is stale is not notified, its resolve is', async () => {
    await expect(runFrom(null, old(signalAt(1)))).resolves.toMatchObject({
      sent: [],
      silent: [{ reason: 'stale', count: 1 }],
      isPatched: true,
    });
    await expect(runFrom(OPEN, old(signalAt(1, 'resolved')))).resolves.toMatchObject({
      sent: [['resolve', 'resolved']],
      isPatched: false,
    });
  });

  test('resolve-only: a run that a resolve began reports it if it had nothing to close', async () => {
    await expect(runFrom(null, signalAt(1, 'resolved'))).resolves.toMatchObject({
      result: 'resolved_without_notification',
      sent: [],
      isPatched: true,
    });
    await expect(runFrom(OPEN, signalAt(1, 'resolved'))).resolves.toMatchObject({
      result: 'drained',
      sent: [['resolve', 'resolved']],
      isPatched: false,
    });
    await expect(runFrom(null, signalAt(1, 'resolved'), signalAt(2))).resolves.toMatchObject({
      result: 'drained',
      sent: [['trigger', 'new']],
    });
  });

  test('the decision ledger: a run of nothing but repeats writes that down', async () => {
    await expect(runFrom({ ...OPEN, lastPosition: '5' }, signalAt(5), signalAt(4))).resolves.toMatchObject({
      silent: [
        { reason: 'older_than_last', since: '4' },
        { reason: 'older_than_last', since: '5' },
      ],
      isPatched: true,
    });
  });

  test('reaches a run that began before it in the middle, and its history still replays', async () => {
    const earlier = await bundleWorkflows({
      workflows: new URL('../testing/earlier-workflows.ts', import.meta.url),
      sourceCondition: '@heliograph/source',
    });
    const stream = newStream();
    let isStopping = false;
    const fake = fakeActivities({
      deliverAndRecord: async (order) =>
        order.issue.position === '3'
          ? { kind: 'pending', code: 'TIMEOUT', waitMs: 0, inSlot: true }
          : fake.accept(order),
      deliverPatiently: async (order) => {
        isStopping = true;
        await eventually('the worker stops', () => {
          heartbeat();
          return cancellationSignal().aborted;
        });
        throw new Error(`not by this worker: ${order.notificationId}`);
      },
    });
    fake.states.set(alertWorkflowId(stream), OPEN);
    // Suppressed, and firing again: the earlier code stays silent. Then it is stopped in the middle of a delivery.
    for (const signal of [signalAt(1, 'suppressed'), signalAt(2), signalAt(3, 'resolved')])
      await signalStream(ground.client, stream, signal);
    const first = await ground.worker(earlier, fake.activities);
    await first.runUntil(() => eventually('it is in the middle of a delivery', () => isStopping));
    expect(fake.delivered).toEqual([]);

    for (const signal of [signalAt(4), signalAt(5, 'suppressed'), signalAt(6)])
      await signalStream(ground.client, stream, signal);
    await whileWorking({ ...fake.activities, deliverPatiently: async (order) => fake.accept(order) }, () =>
      handleOf(stream).result(),
    );
    expect(fake.delivered.map(({ kind, reason }) => [kind, reason])).toEqual([
      ['resolve', 'resolved'],
      ['trigger', 'new'],
      ['update', 'suppression_bypass'],
    ]);
    const history = await handleOf(stream).fetchHistory();
    await expect(
      Worker.runReplayHistory({ workflowBundle: bundle }, history, alertWorkflowId(stream)),
    ).resolves.toBeUndefined();
  });
});
