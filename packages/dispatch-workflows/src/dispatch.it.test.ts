import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { startNotificationSink, type NotificationSink } from '@heliograph/simulators';
import { eventually } from '@heliograph/testkit';
import { createTemporalWorkers } from '@heliograph/temporal-worker';
import { startOrchestrator, wakeOrchestrator } from './client/index.ts';
import { alertWorkflowId } from './contract/alert-workflow-id.ts';
import { DEFAULT_SIGNAL_POLICY, type IssueSignal } from './contract/issue-signal.ts';
import { signalAlertStream } from './client/signal-alert-stream.ts';
import { signalOf } from './routing/group-issues.ts';
import type { DispatchActivities } from './contract/dispatch-activities.ts';
import { MONITOR_INSTANCES_ID } from './contract/names.ts';
import { defineDispatchWorkers } from './worker/index.ts';
import { bundleFromSource, dispatchGround } from './testing/dispatch-ground.ts';
import { newIssue, WEBHOOK_SECRET } from './testing/store-drafts.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });

let bundle: { readonly code: string };
let ground: Awaited<ReturnType<typeof dispatchGround>>;
let sink: NotificationSink;

beforeAll(async () => {
  bundle = await bundleFromSource();
});
beforeEach(async () => {
  [ground, sink] = await Promise.all([dispatchGround('dispatch'), startNotificationSink()]);
  await ground.connectedApps.create('app1', {
    name: 'sink',
    provider: 'webhook',
    settings: { url: sink.url },
    enabled: true,
    secret: WEBHOOK_SECRET,
  });
  await ground.routes.create('route1', {
    name: 'critical',
    query: 'severity:critical',
    enabled: true,
    connectedAppIds: ['app1'],
  });
});
afterEach(async () => {
  await sink.close();
  await ground.close();
});
afterAll(() => Runtime.instance().shutdown());

const stream = { fingerprint: 'f1', routeId: 'route1', connectedAppId: 'app1' };

async function whileDispatching(
  run: () => Promise<void>,
  {
    deliverySlots = 500,
    activities = ground.activities(),
  }: { readonly deliverySlots?: number; readonly activities?: DispatchActivities } = {},
): Promise<void> {
  const worker = await ground.worker(bundle, activities, { deliverySlots });
  await worker.runUntil(async () => {
    await startOrchestrator(ground.client);
    await run();
    await ground.client.workflow.getHandle(MONITOR_INSTANCES_ID).terminate('test over');
  });
}

function expectNever(): never {
  throw new Error('no row was stored');
}

async function store(...issues: readonly ReturnType<typeof newIssue>[]): Promise<void> {
  await ground.issues.append(issues, issues.map(({ eventId }) => eventId).join());
  await wakeOrchestrator(ground.client);
}

async function streamEnded(): Promise<void> {
  await eventually('the stream ends', async () => {
    const { status } = await ground.client.workflow.getHandle(alertWorkflowId(stream)).describe();
    return status.name === 'COMPLETED';
  });
}

describe('a stored issue becomes a notification', () => {
  test('once when it fires, not again while it keeps firing, and once when it is resolved', async () => {
    await whileDispatching(async () => {
      await store(newIssue());
      await eventually('the trigger arrives', () => sink.records.length === 1);
      await store(newIssue(), newIssue({ fingerprint: 'other', severity: 'info' }));
      await store(newIssue({ status: 'resolved', endsAt: Date.now() }));
      await eventually('the resolve arrives', () => sink.records.length === 2);
      await streamEnded();
    });
    expect(sink.records.map(({ body }) => body.type)).toEqual(['alert.triggered', 'alert.resolved']);
    expect(new Set(sink.records.map(({ body }) => body.streamId))).toEqual(
      new Set([alertWorkflowId(stream)]),
    );
    await expect(ground.streams.read(stream)).resolves.toMatchObject({
      status: 'resolved',
      notificationCount: 2,
      externalIds: {},
    });
  });

  test('in the order in which one insert stored its issues', async () => {
    const statuses = ['firing', 'resolved', 'firing', 'resolved', 'firing'] as const;
    const issues = statuses.map((status) => newIssue({ status }));
    await whileDispatching(async () => {
      await store(...issues);
      await eventually('all arrive', () => sink.records.length === issues.length);
      await streamEnded();
    });
    expect(sink.records.map(({ body }) => body.issue.eventId)).toEqual(issues.map(({ eventId }) => eventId));
  });

  test('but not once it is worth nothing, because no worker came to deliver it', async () => {
    const route = await ground.routes.get('route1');
    await ground.routes.update('route1', route.version, { ...route, maxSignalAgeMs: 3000 });
    sink.setFaults([{ times: 1, fault: { kind: 'status', status: 503 } }]);
    const [dispatching] = defineDispatchWorkers({ activities: ground.activities(), shutdownGraceMs: 1000 });
    if (dispatching === undefined) throw new Error('nothing dispatches');
    const worker = await createTemporalWorkers({
      connection: ground.nativeConnection,
      namespace: ground.namespace,
      workflowBundle: bundle,
      workers: [dispatching],
    });
    await worker.runUntil(async () => {
      await startOrchestrator(ground.client);
      await store(newIssue());
      await eventually('the first attempt is refused', () => sink.records.length === 1);
      await ground.client.workflow.getHandle(MONITOR_INSTANCES_ID).terminate('nobody delivers');
    });
    await sleep(3000);
    await whileDispatching(streamEnded);
    expect(sink.records.map(({ answer }) => answer)).toEqual(['status']);
    await expect(
      ground.postgres.sql`select status, code, was_uncertain from dispatch.delivery_intents`,
    ).resolves.toMatchObject([{ status: 'dropped', code: 'EXPIRED', was_uncertain: false }]);
    await expect(ground.streams.read(stream)).resolves.toMatchObject({
      status: 'none',
      notificationCount: 0,
    });
  });

  test('after a provider that limits, hangs and fails, under one id', async () => {
    sink.setFaults([
      { times: 1, fault: { kind: 'status', status: 429, retryAfterSeconds: 1 } },
      { times: 1, fault: { kind: 'status', status: 503 } },
      { times: 1, fault: { kind: 'close-after-body' } },
    ]);
    await whileDispatching(async () => {
      await store(newIssue());
      await eventually(
        'it is accepted',
        async () => (await ground.streams.read(stream)).notificationCount === 1,
      );
      await streamEnded();
    });
    expect(sink.records).toHaveLength(4);
    expect(new Set(sink.records.map(({ webhookId }) => webhookId)).size).toBe(1);
    await expect(ground.streams.read(stream)).resolves.toMatchObject({
      externalIds: { webhook: `sink-${alertWorkflowId(stream)}` },
    });
  }, 180_000);

  test('not when the provider refuses it permanently; a later issue tries again', async () => {
    sink.setFaults([{ times: 1, fault: { kind: 'status', status: 400 } }]);
    await whileDispatching(async () => {
      await store(newIssue());
      await eventually('it is refused', () => sink.records.length === 1);
      await streamEnded();
      await expect(ground.streams.read(stream)).resolves.toMatchObject({ notificationCount: 0 });
      await store(newIssue());
      await eventually(
        'it is accepted',
        async () => (await ground.streams.read(stream)).notificationCount === 1,
      );
      await streamEnded();
    });
  });

  test('for each of a storm, and for none twice', async () => {
    const issues = Array.from({ length: 200 }, (_, index) => newIssue({ fingerprint: `storm${index}` }));
    await whileDispatching(async () => {
      await store(...issues);
      await eventually('all arrive', () => sink.records.length >= issues.length, { timeoutMs: 30_000 });
      await eventually('all ended', async () => {
        const { count } = await ground.client.workflow.count(
          `WorkflowType = 'monitorInstanceAlert' AND ExecutionStatus = 'Running'`,
        );
        return count === 0;
      });
    });
    expect(sink.records).toHaveLength(issues.length);
    expect(new Set(sink.records.map(({ body }) => body.issue.eventId)).size).toBe(issues.length);
  }, 180_000);
});

describe('what is decided later in the life of a stream', () => {
  const arrived = (count: number) => eventually(`${count} have arrived`, () => sink.records.length >= count);
  const types = () => sink.records.map(({ body }) => body.type);
  /** All ledger entries of one stored issue, once they have been relayed to ClickHouse. */
  async function explained(eventId: string) {
    const rows = await ground.issues.scan({
      from: '0',
      after: { position: '0', eventId: '' },
      limit: 100_000,
    });
    const { fingerprint, position } = rows.find((row) => row.eventId === eventId) ?? newIssueRow();
    await ground.ledger.relay();
    const [entries, runs] = await Promise.all([
      ground.ledger.entriesOf(fingerprint, position),
      ground.ledger.runsAt(fingerprint, position),
    ]);
    return {
      steps: entries.map(({ stage, reason, outcome }) => [stage, outcome ?? reason ?? '']),
      silent: runs.map(({ reason, count }) => [reason, count]),
      clause: entries.find(({ stage }) => stage === 'matched')?.clause,
    };
  }
  const newIssueRow = (): never => {
    throw new Error('the issue is not stored');
  };

  test('renotifies when a continuing issue comes after the interval, and the ledger has every step', async () => {
    const { version, ...route } = await ground.routes.get('route1');
    await ground.routes.update('route1', version, { ...route, renotifyIntervalMs: 1500 });
    const [first, early, due] = [newIssue(), newIssue(), newIssue()];
    await whileDispatching(async () => {
      await store(first);
      await arrived(1);
      await streamEnded();
      await store(early);
      await eventually('it is decided', async () => {
        const { silence } = await ground.streams.read(stream);
        return silence?.reason === 'renotify_not_due';
      });
      await new Promise((resolve) => setTimeout(resolve, 1500));
      await store(due);
      await arrived(2);
      await streamEnded();
    });
    expect(types()).toEqual(['alert.triggered', 'alert.updated']);
    await expect(explained(first.eventId)).resolves.toEqual({
      steps: [
        ['seen', ''],
        ['matched', ''],
        ['decided', 'new'],
        ['attempted', 'delivered'],
        ['settled', 'delivered'],
      ],
      silent: [],
      clause: 'severity:"critical"',
    });
    await expect(explained(early.eventId)).resolves.toMatchObject({ silent: [['renotify_not_due', 1]] });
    await expect(explained(due.eventId)).resolves.toMatchObject({
      steps: expect.arrayContaining([['decided', 'renotify']]),
    });
  }, 180_000);

  test('notifies at once of an alert that fires after it was suppressed', async () => {
    await whileDispatching(async () => {
      await store(newIssue());
      await arrived(1);
      await store(newIssue({ status: 'suppressed' }));
      await eventually(
        'it is seen',
        async () => (await ground.streams.read(stream)).lastSeen === 'suppressed',
      );
      await store(newIssue());
      await arrived(2);
      await streamEnded();
    });
    expect(types()).toEqual(['alert.triggered', 'alert.updated']);
  });

  test('an issue that matches nothing is in the ledger as seen', async () => {
    const issue = newIssue({ fingerprint: 'quiet', severity: 'info' });
    await whileDispatching(async () => {
      await store(issue);
      await eventually('it is seen', async () => (await explained(issue.eventId)).steps.length > 0);
    });
    await expect(explained(issue.eventId)).resolves.toEqual({
      steps: [['seen', '']],
      silent: [],
      clause: undefined,
    });
  });

  test('a resolve that no route brings any more and that was dropped is owed, and the sweep brings it', async () => {
    const worker = await ground.worker(
      bundle,
      ground.activities({ sweep: { intervalMs: 200, retryAfterMs: 0 } }),
    );
    await worker.runUntil(async () => {
      await ground.client.workflow.start('monitorInstances', {
        workflowId: MONITOR_INSTANCES_ID,
        taskQueue: 'dispatch',
        args: [{ nextSweepAt: Date.now() + 3000 }],
      });
      await store(newIssue());
      await arrived(1);
      await streamEnded();
      const { version, ...route } = await ground.routes.get('route1');
      await ground.routes.update('route1', version, { ...route, enabled: false });
      sink.setFaults([{ times: 1, fault: { kind: 'status', status: 400 } }]);
      await store(newIssue({ status: 'resolved', endsAt: Date.now() }));
      await arrived(2);
      await streamEnded();
      await arrived(3);
      await eventually('nothing is owed', async () => {
        const { debts } = await ground.debts.list({ after: null, limit: 10 });
        return debts.length === 0;
      });
      await streamEnded();
      await ground.client.workflow.getHandle(MONITOR_INSTANCES_ID).terminate('test over');
    });
    expect(types()).toEqual(['alert.triggered', 'alert.resolved', 'alert.resolved']);
    await expect(ground.debts.list({ after: null, limit: 10 })).resolves.toEqual({
      debts: [],
      next: null,
    });
  }, 180_000);

  test('one throttle holds every stream of the app, and none is lost when it resolves meanwhile', async () => {
    sink.setFaults([{ times: 1, fault: { kind: 'status', status: 429, retryAfterSeconds: 1 } }]);
    const fingerprints = Array.from({ length: 12 }, (_, index) => `limited${index}`);
    await whileDispatching(async () => {
      await store(newIssue({ fingerprint: 'first' }));
      await arrived(1);
      await store(...fingerprints.map((fingerprint) => newIssue({ fingerprint })));
      await store(...fingerprints.map((fingerprint) => newIssue({ fingerprint, status: 'resolved' })));
      expect(sink.records).toHaveLength(1);
      await arrived(2 + 2 * fingerprints.length);
    });
    for (const fingerprint of fingerprints)
      expect(
        sink.records
          .map(({ body }) => body)
          .filter(({ streamId }) => streamId.includes(`-${fingerprint}-`))
          .map(({ type }) => type),
      ).toEqual(['alert.triggered', 'alert.resolved']);
    const { health } = await ground.connectedApps.get('app1');
    expect(health.throttledForMs).toBe(0);
  }, 180_000);

  test('an app that refuses permanently is marked, and works again with the next delivery', async () => {
    sink.setFaults([{ times: 1, fault: { kind: 'status', status: 401 } }]);
    const failure = async () => (await ground.connectedApps.get('app1')).health.failure;
    await whileDispatching(async () => {
      await store(newIssue());
      await eventually('it is marked', async () => (await failure()) !== null);
      await expect(failure()).resolves.toMatchObject({ code: 'UNAUTHORIZED', status: 401 });
      await streamEnded();
      // Where to deliver is remembered for a second.
      await new Promise((resolve) => setTimeout(resolve, 1100));
      await store(newIssue());
      await arrived(2);
      await eventually('it works', async () => (await failure()) === null);
    });
  }, 180_000);

  test('a webhook that is gone (410) is disabled', async () => {
    sink.setFaults([{ times: 1, fault: { kind: 'status', status: 410 } }]);
    const isEnabled = async () => (await ground.connectedApps.get('app1')).enabled;
    await whileDispatching(async () => {
      await store(newIssue());
      await eventually('it is off', async () => !(await isEnabled()));
    });
    await expect(isEnabled()).resolves.toBe(false);
  });
});

test('a receiver that is down keeps no other waiting, however many of its notifications wait', async () => {
  const ceiling = 20;
  await ground.connectedApps.create('deadapp', {
    name: 'dead',
    provider: 'webhook',
    settings: { url: 'http://127.0.0.1:9/' },
    enabled: true,
    secret: WEBHOOK_SECRET,
  });
  await ground.routes.create('deadroute', {
    name: 'dead',
    query: 'severity:info',
    enabled: true,
    connectedAppIds: ['deadapp'],
  });
  const deadOnes = Array.from({ length: 60 }, (_, index) =>
    newIssue({ fingerprint: `dead${index}`, severity: 'info' }),
  );
  const runningOf = async (app: string): Promise<number> => {
    const query = `HeliographConnectedApp = '${app}' AND ExecutionStatus = 'Running'`;
    return (await ground.client.workflow.count(query)).count;
  };
  const waiting = async () => (await ground.backlog.summarize()).streams.over_share;
  const activities = ground.activities({ scan: { intervalMs: 500, maxRunningAlerts: ceiling } });
  await whileDispatching(
    async () => {
      await store(...deadOnes);
      await eventually('the dead ones hold their share, and the rest of them wait', async () => {
        const running = await runningOf('deadapp');
        return running === 16 && (await waiting()) === deadOnes.length - running;
      });
      const [first] = await ground.backlog.listByFingerprint('dead59');
      expect(first).toMatchObject({ reason: 'over_share', signals: 1, attempts: 0 });
      // What runs takes its signals as before, also while its app may start nothing.
      await store(newIssue());
      await eventually('the trigger arrives', () => sink.records.length === 1);
      await store(newIssue({ status: 'resolved', endsAt: Date.now() }));
      await eventually('the resolve arrives', () => sink.records.length === 2);
      await store(
        ...deadOnes.map(({ fingerprint }) =>
          newIssue({ fingerprint, severity: 'info', status: 'resolved', endsAt: Date.now() }),
        ),
      );
      await eventually('those that wait have resolved', async () => {
        const [entry] = await ground.backlog.listByFingerprint('dead59');
        return entry?.signal.status === 'resolved';
      });
      await expect(runningOf('deadapp')).resolves.toBeLessThanOrEqual(16);
    },
    { deliverySlots: 2, activities },
  );
  expect(sink.records.map(({ body }) => body.type)).toEqual(['alert.triggered', 'alert.resolved']);
}, 180_000);

test('a stream that cannot be signalled holds nobody up, and gets its newest issue once it can', async () => {
  const goods = 300;
  let isRefused = true;
  // The server refuses the signals of one stream.
  const client = Object.create(ground.client, {
    workflow: {
      value: Object.create(ground.client.workflow, {
        signalWithStart: {
          value: (...args: Parameters<typeof ground.client.workflow.signalWithStart>) =>
            isRefused && args[1].workflowId.includes('-bad-')
              ? Promise.reject(new Error('refused'))
              : ground.client.workflow.signalWithStart(...args),
        },
      }),
    },
  }) as typeof ground.client;
  const activities = ground.activities({ client, scan: { intervalMs: 500, maxRowsPerScan: 50 } });
  await whileDispatching(
    async () => {
      await store(
        newIssue({ fingerprint: 'bad' }),
        ...Array.from({ length: goods }, (_, index) => newIssue({ fingerprint: `good${index}` })),
      );
      await eventually('the good ones arrive', () => sink.records.length === goods, { timeoutMs: 40_000 });
      await store(newIssue({ fingerprint: 'bad', severity: 'critical', labels: { nth: 'second' } }));
      await eventually('the second waits with the first', async () => {
        const [entry] = await ground.backlog.listByFingerprint('bad');
        return entry?.signals === 2 && entry.reason === 'unreachable' && entry.attempts > 0;
      });
      isRefused = false;
      await eventually('it arrives', () => sink.records.length === goods + 1, { timeoutMs: 40_000 });
      await eventually(
        'nothing waits any more',
        async () => (await ground.backlog.summarize()).oldestAgeMs === 0,
      );
    },
    { activities },
  );
  expect(sink.records.at(-1)?.body.issue.labels).toEqual({ nth: 'second' });
}, 120_000);

test('a resolve reaches the open stream in the same scan, although its route does not match it', async () => {
  const labels = { namespace: 'payments' };
  await whileDispatching(
    async () => {
      await store(newIssue({ labels }));
      await eventually('the trigger arrives', () => sink.records.length === 1);
      await streamEnded();
      await store(newIssue({ labels, status: 'resolved', severity: '', endsAt: Date.now() }));
      await eventually('the resolve arrives', () => sink.records.length === 2);
      await streamEnded();
      // And one of which no row tells yet: both are read by one scan.
      await store(
        newIssue({ fingerprint: 'f2', labels }),
        newIssue({ fingerprint: 'f2', labels, status: 'resolved', severity: '', endsAt: Date.now() }),
      );
      await eventually('both arrive', () => sink.records.length === 4);
    },
    { activities: ground.activities({ sweep: { intervalMs: 3_600_000 } }) },
  );
  expect(sink.records.map(({ body }) => body.type)).toEqual([
    'alert.triggered',
    'alert.resolved',
    'alert.triggered',
    'alert.resolved',
  ]);
}, 180_000);

test('a stream with a dead receiver takes 12 000 signals in order, and sends once the receiver lives', async () => {
  const total = 12_000;
  const reserved = await startNotificationSink();
  const { port } = new URL(reserved.url);
  await reserved.close();
  await ground.connectedApps.create('deadapp', {
    name: 'dead',
    provider: 'webhook',
    settings: { url: reserved.url },
    enabled: true,
    secret: WEBHOOK_SECRET,
  });
  const key = { fingerprint: 'f1', routeId: 'route1', connectedAppId: 'deadapp' };
  const id = alertWorkflowId(key);
  const stored = async (issue: ReturnType<typeof newIssue>) => {
    await ground.issues.append([issue], issue.eventId);
    const rows = await ground.issues.scan({ from: '0', after: { position: '0', eventId: '' }, limit: 10 });
    return signalOf(rows.at(-1) ?? expectNever(), DEFAULT_SIGNAL_POLICY);
  };
  const first = await stored(newIssue());
  await new Promise((resolve) => setTimeout(resolve, 50));
  const last = await stored(newIssue({ status: 'resolved', endsAt: Date.now() }));
  const signalAt = (index: number): IssueSignal => {
    if (index === 0) return first;
    if (index === total - 1) return last;
    return { ...first, eventId: `e${index}`, position: (BigInt(first.position) + BigInt(index)).toString() };
  };
  const runs = new Set<string>();
  // While a run closes, the server takes no signal for it; a scan parks such a signal and sends it later.
  const send = (signal: IssueSignal): Promise<void> =>
    signalAlertStream(ground.client, key, signal).then(
      (runId) => void runs.add(runId),
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 100));
        await send(signal);
      },
    );
  const worker = await ground.worker(bundle, ground.activities());
  let alive: NotificationSink | undefined;
  await worker.runUntil(async () => {
    // Only the first and the last have a stored row, so the stream has to begin with the first.
    await send(first);
    for (let from = 1; from < total; from += 20) {
      const chunk = Array.from({ length: Math.min(20, total - from) }, (_, index) => signalAt(from + index));
      // At most 200 a second: a delivery that is asked to come back hears of it by its next heartbeat, up to 12 s later.
      const pace = new Promise((resolve) => setTimeout(resolve, 100));
      await Promise.all([...chunk.map(send), pace]);
    }
    alive = await startNotificationSink({ port: Number(port) });
    await ground.client.workflow.getHandle(id).result();
  });
  expect(runs.size).toBeGreaterThan(2);
  for (const runId of runs) {
    const { events } = await ground.client.workflow.getHandle(id, runId).fetchHistory();
    const signals = (events ?? []).filter(({ workflowExecutionSignaledEventAttributes: it }) => it);
    expect(signals.length).toBeLessThan(8000);
  }
  expect(alive?.records.map(({ body }) => [body.type, body.issue.eventId])).toEqual([
    ['alert.triggered', first.eventId],
    ['alert.resolved', last.eventId],
  ]);
  expect(new Set(alive?.records.map(({ webhookId }) => webhookId)).size).toBe(2);
  await alive?.close();
}, 1_200_000);

test('a second orchestrator cannot start, and one that hands over keeps its cursor', async () => {
  await whileDispatching(async () => {
    await startOrchestrator(ground.client);
    await store(newIssue());
    await eventually('the trigger arrives', () => sink.records.length === 1);
    const { count } = await ground.client.workflow.count(
      `WorkflowType = 'monitorInstances' AND ExecutionStatus = 'Running'`,
    );
    expect(count).toBe(1);
  });
  expect(sink.records).toHaveLength(1);
});
