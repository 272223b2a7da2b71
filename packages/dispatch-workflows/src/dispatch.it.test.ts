import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { eventually } from '@heliograph/testkit';
import { startOrchestrator, wakeOrchestrator } from './activities/index.ts';
import { alertWorkflowId } from './alert-workflow-id.ts';
import { MONITOR_INSTANCES_ID } from './contract.ts';
import { bundleFromSource, dispatchGround, newIssue, WEBHOOK_SECRET } from './testing/dispatch-ground.ts';
import { startWebhookSink, type WebhookSink } from './testing/webhook-sink.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });

let bundle: { readonly code: string };
let ground: Awaited<ReturnType<typeof dispatchGround>>;
let sink: WebhookSink;

beforeAll(async () => {
  bundle = await bundleFromSource();
});
beforeEach(async () => {
  [ground, sink] = await Promise.all([dispatchGround('dispatch'), startWebhookSink()]);
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

async function whileDispatching(run: () => Promise<void>, deliverySlots = 500): Promise<void> {
  const worker = await ground.worker(bundle, ground.activities(), { deliverySlots });
  await worker.runUntil(async () => {
    await startOrchestrator(ground.client);
    await run();
    await ground.client.workflow.getHandle(MONITOR_INSTANCES_ID).terminate('test over');
  });
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
  test('once when it fires, not again while it goes on, and once when it is resolved', async () => {
    await whileDispatching(async () => {
      await store(newIssue());
      await eventually('the trigger arrives', () => sink.received.length === 1);
      await store(newIssue(), newIssue({ fingerprint: 'other', severity: 'info' }));
      await store(newIssue({ status: 'resolved', endsAt: Date.now() }));
      await eventually('the resolve arrives', () => sink.received.length === 2);
      await streamEnded();
    });
    expect(sink.received.map(({ type }) => type)).toEqual(['alert.triggered', 'alert.resolved']);
    expect(new Set(sink.received.map(({ streamId }) => streamId))).toEqual(
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
      await eventually('all arrive', () => sink.received.length === issues.length);
      await streamEnded();
    });
    expect(sink.received.map(({ eventId }) => eventId)).toEqual(issues.map(({ eventId }) => eventId));
  });

  test('after a provider that limits, hangs and fails, under one id', async () => {
    sink.script.push(
      (_, response) => response.writeHead(429, { 'retry-after': '1' }).end(),
      (_, response) => response.writeHead(503).end(),
      (request) => request.socket.destroy(),
    );
    await whileDispatching(async () => {
      await store(newIssue());
      await eventually(
        'it is accepted',
        async () => (await ground.streams.read(stream)).notificationCount === 1,
      );
      await streamEnded();
    });
    expect(sink.received).toHaveLength(4);
    expect(new Set(sink.received.map(({ id }) => id)).size).toBe(1);
    await expect(ground.streams.read(stream)).resolves.toMatchObject({ externalIds: { webhook: 'ext-1' } });
  }, 30_000);

  test('not when the provider refuses it for good; a later issue tries again', async () => {
    sink.script.push((_, response) => response.writeHead(400).end());
    await whileDispatching(async () => {
      await store(newIssue());
      await eventually('it is refused', () => sink.received.length === 1);
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
      await eventually('all arrive', () => sink.received.length >= issues.length, { timeoutMs: 30_000 });
      await eventually('all ended', async () => {
        const { count } = await ground.client.workflow.count(
          `WorkflowType = 'monitorInstanceAlert' AND ExecutionStatus = 'Running'`,
        );
        return count === 0;
      });
    });
    expect(sink.received).toHaveLength(issues.length);
    expect(new Set(sink.received.map(({ eventId }) => eventId)).size).toBe(issues.length);
  }, 60_000);
});

test('a receiver that is down keeps no other waiting, however many of its notifications wait', async () => {
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
  await whileDispatching(async () => {
    await store(
      ...Array.from({ length: 20 }, (_, index) =>
        newIssue({ fingerprint: `dead${index}`, severity: 'info' }),
      ),
    );
    await eventually('the dead ones wait', async () => {
      const { count } = await ground.client.workflow.count(
        `HeliographConnectedApp = 'deadapp' AND ExecutionStatus = 'Running'`,
      );
      return count === 20;
    });
    await store(newIssue());
    await eventually('the trigger arrives', () => sink.received.length === 1);
    await store(newIssue({ status: 'resolved', endsAt: Date.now() }));
    await eventually('the resolve arrives', () => sink.received.length === 2);
  }, 2);
  expect(sink.received.map(({ type }) => type)).toEqual(['alert.triggered', 'alert.resolved']);
}, 30_000);

test('a second orchestrator cannot start, and one that hands over keeps its cursor', async () => {
  await whileDispatching(async () => {
    await startOrchestrator(ground.client);
    await store(newIssue());
    await eventually('the trigger arrives', () => sink.received.length === 1);
    const { count } = await ground.client.workflow.count(
      `WorkflowType = 'monitorInstances' AND ExecutionStatus = 'Running'`,
    );
    expect(count).toBe(1);
  });
  expect(sink.received).toHaveLength(1);
});
