import type { ChildProcess } from 'node:child_process';
import { afterEach, expect, test } from '@jest/globals';
import { connectClickHouse, connectPostgres, createSealer, parseKeyRing } from '@heliograph/database';
import { createDispatchStores, migrateDispatch, type NewIssue } from '@heliograph/dispatch-workflows/stores';
import { startNotificationSink } from '@heliograph/simulators';
import { eventually, freshClickHouse, freshNamespace, freshPostgres } from '@heliograph/testkit';
import { killNow, SEALING_KEYS, startWorker } from './testing/start-worker.ts';

/** The receiver asks to wait for so long, in seconds: longer than workers take to start on a busy machine. */
const RETRY_AFTER_S = 30;

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) await killNow(child);
});

test('a throttle outlives the worker that learned of it, and every other process respects it', async () => {
  const [postgresDatabase, clickhouseDatabase, temporal, sink] = await Promise.all([
    freshPostgres('throttle'),
    freshClickHouse('throttle'),
    freshNamespace('throttle'),
    startNotificationSink({
      faults: [{ times: 1, fault: { kind: 'status', status: 429, retryAfterSeconds: RETRY_AFTER_S } }],
    }),
  ]);
  const postgres = connectPostgres({ url: postgresDatabase.url, applicationName: 'throttle' });
  const clickhouse = connectClickHouse({ url: clickhouseDatabase.url, application: 'throttle' });
  const ground = {
    postgresUrl: postgresDatabase.url,
    clickhouseDatabase: clickhouseDatabase.database,
    temporal,
  };
  const start = (name: string): Promise<ChildProcess> => startWorker(name, ground, children);
  try {
    await migrateDispatch(postgres, clickhouse);
    const stores = createDispatchStores({
      postgres,
      clickhouse,
      sealer: createSealer(parseKeyRing(SEALING_KEYS)),
    });
    const store = (fingerprint: string): Promise<void> =>
      stores.issues.append([issueOf(fingerprint)], fingerprint);
    await stores.connectedApps.create('app1', {
      name: 'on-call',
      provider: 'webhook',
      settings: { url: sink.url },
      enabled: true,
      secret: `whsec_${Buffer.alloc(24, 7).toString('base64')}`,
    });
    await stores.routes.create('r1', {
      name: 'critical',
      query: 'severity:critical',
      enabled: true,
      connectedAppIds: ['app1'],
    });

    const first = await start('first');
    await store('f1');
    await eventually('it is refused', () => sink.records.length > 0);
    const refusedAt = sink.records[0]?.receivedAt ?? 0;
    await eventually('the throttle is recorded', async () => {
      const { health } = await stores.connectedApps.get('app1');
      expect(health.failure).toBeNull();
      return health.throttledForMs > 0;
    });
    const isThirdReady = start('third');
    isThirdReady.catch(() => undefined);
    const second = await start('second');
    // Some of these wait in the process that is killed, and some in others.
    for (const fingerprint of ['f2', 'f3', 'f4', 'f5']) await store(fingerprint);
    await eventually('they are decided', async () => {
      const [row] = await postgres.sql<
        { n: number }[]
      >`select count(*)::int as n from dispatch.ledger_outbox`;
      const ledger = await clickhouse.query({
        query: `SELECT count() AS n FROM decision_ledger WHERE stage = 'decided'`,
        format: 'JSONEachRow',
      });
      const [decided] = await ledger.json<{ n: string | number }>();
      return Number(decided?.n ?? 0) + (row?.n ?? 0) >= 4;
    });
    await killNow(first);
    const third = await isThirdReady;
    await store('f6');
    expect([second.exitCode, third.exitCode]).toEqual([null, null]);
    expect(Date.now()).toBeLessThan(refusedAt + RETRY_AFTER_S * 1000);

    const deliveredIn = () => new Set(sink.records.slice(1).map(({ body }) => body.issue.fingerprint)).size;
    await eventually('all are delivered', () => deliveredIn() === 6, { timeoutMs: 60_000 });
    // Clocks: the database rounds to milliseconds, and the answer took a moment to be recorded.
    const [next] = sink.records.slice(1).map(({ receivedAt }) => receivedAt);
    expect(next).toBeGreaterThanOrEqual(refusedAt + RETRY_AFTER_S * 1000 - 50);
  } finally {
    for (const child of children.splice(0)) await killNow(child);
    await temporal.close();
    await sink.close();
    await postgres.close();
    await clickhouse.close();
    await postgresDatabase.drop();
    await clickhouseDatabase.drop();
  }
}, 150_000);

function issueOf(fingerprint: string): NewIssue {
  return {
    eventId: `event-${fingerprint}`,
    monitor: 'm',
    fingerprint,
    status: 'firing',
    severity: 'critical',
    labels: {},
    annotations: {},
    startsAt: Date.now(),
    endsAt: null,
  };
}
