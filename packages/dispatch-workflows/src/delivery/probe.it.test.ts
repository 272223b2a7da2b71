import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { startNotificationSink, type NotificationSink } from '@heliograph/simulators';
import { eventually } from '@heliograph/testkit';
import { startOrchestrator, wakeOrchestrator } from '../client/index.ts';
import { MONITOR_INSTANCES_ID } from '../contract/names.ts';
import { createExplainer } from '../explain/create-explainer.ts';
import { bundleFromSource, dispatchGround } from '../testing/dispatch-ground.ts';
import { newIssue, WEBHOOK_SECRET } from '../testing/store-drafts.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });

/** How long a notification is worth delivering, in milliseconds. */
const LIFE_MS = 12_000;

let ground: Awaited<ReturnType<typeof dispatchGround>>;
let sink: NotificationSink;
beforeAll(async () => {
  [ground, sink] = await Promise.all([dispatchGround('probe'), startNotificationSink()]);
});
afterAll(async () => {
  await sink.close();
  await ground.close();
  await Runtime.instance().shutdown();
});

/** An app that another process throttled for longer than any notification of its route lives. */
async function throttledApp(id: string): Promise<void> {
  const { targetVersion } = await ground.connectedApps.create(id, {
    name: id,
    provider: 'webhook',
    settings: { url: sink.url },
    enabled: true,
    secret: WEBHOOK_SECRET,
  });
  await ground.routes.create(`${id}route`, {
    name: id,
    query: `severity:${id}`,
    enabled: true,
    connectedAppIds: [id],
    maxSignalAgeMs: LIFE_MS,
  });
  await ground.health.recordThrottle({ id, targetVersion }, 300_000);
}

async function store(severity: string, ...fingerprints: readonly string[]): Promise<void> {
  const issues = fingerprints.map((fingerprint) => newIssue({ fingerprint, severity }));
  await ground.issues.append(issues, fingerprints.join());
  await wakeOrchestrator(ground.client);
}

test('a page is sent as a probe rather than dropped unsent, and one probe speaks for many', async () => {
  const explainer = createExplainer(ground);
  const worker = await ground.worker(await bundleFromSource());
  await worker.runUntil(async () => {
    await startOrchestrator(ground.client);

    await throttledApp('well');
    await store('well', 'w1', 'w2', 'w3');
    await eventually('all are delivered', () => sink.records.length === 3);
    await eventually('the throttle has ended for every process', async () => {
      const { health } = await ground.connectedApps.get('well');
      return health.throttledForMs === 0;
    });

    sink.clear();
    sink.setFaults([{ fault: { kind: 'status', status: 429, retryAfterSeconds: 3600 } }]);
    await throttledApp('busy');
    const fingerprints = Array.from({ length: 10 }, (_, index) => `b${index}`);
    await store('busy', ...fingerprints);
    await eventually('one is refused', () => sink.records.length === 1);
    // The provider's word is clamped; a clock that was set meanwhile may add to what is left.
    const { health } = await ground.connectedApps.get('busy');
    expect(health.throttledForMs).toBeLessThan(301_000);
    const unsent = fingerprints.find((each) => each !== sink.records[0]?.body.issue.fingerprint) ?? '';
    const waiting = await eventually('it says what it waits for', async () => {
      await ground.ledger.relay();
      const stream = (await explainer.explain({ fingerprint: unsent }))?.routes.flatMap(
        ({ streams }) => streams,
      )[0];
      return stream?.outcome.kind === 'pending' ? stream : undefined;
    });
    expect(waiting.summary).toMatch(/webhook is throttled for another \d/);
    expect(waiting.throttledUntil).not.toBeNull();

    const states = await eventually(
      'all are dropped',
      async () => {
        await ground.ledger.relay();
        const explained = await Promise.all(
          fingerprints.map(async (fingerprint) => {
            const found = await explainer.explain({ fingerprint });
            return found?.routes.find(({ id }) => id === 'busyroute')?.streams[0];
          }),
        );
        return explained.every((stream) => stream?.outcome.kind === 'dropped') ? explained : undefined;
      },
      { timeoutMs: LIFE_MS + 15_000, intervalMs: 250 },
    );
    expect(new Set(states.map((stream) => stream?.reason))).toEqual(new Set(['signal_expired_rate_limited']));
    // One at once, one ten seconds later: ten notifications are not ten requests.
    expect(sink.records.length).toBeLessThanOrEqual(2);
    const never = states.filter((stream) => stream?.attempts.length === 0);
    expect(never.length).toBeGreaterThanOrEqual(8);
    expect(never[0]?.summary).toMatch(/was throttled until it expired \(12 s\), so it was never sent\.$/);
    await ground.client.workflow.getHandle(MONITOR_INSTANCES_ID).terminate('test over');
  });
}, 90_000);
