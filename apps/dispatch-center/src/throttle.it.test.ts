import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from '@jest/globals';
import { connectClickHouse, connectPostgres, createSealer, parseKeyRing } from '@heliograph/database';
import { createDispatchStores, migrateDispatch, type NewIssue } from '@heliograph/dispatch-workflows/stores';
import { findUnusedPort, startNotificationSink } from '@heliograph/simulators';
import {
  eventually,
  freshClickHouse,
  freshNamespace,
  freshPostgres,
  stackAddresses,
} from '@heliograph/testkit';
import { keyRing } from './testing/key-ring.ts';

const SEALING_KEYS = `k1:${Buffer.alloc(32, 3).toString('base64url')}`;
/** The receiver asks to wait for so long, in seconds: longer than workers take to start on a busy machine. */
const RETRY_AFTER_S = 30;

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) await kill(child);
});

/** Kills a process as a lost machine does: it cannot hand anything over. */
async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'close');
  child.kill('SIGKILL');
  await ended;
}

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
  const startWorker = async (name: string): Promise<ChildProcess> => {
    const child = spawn(process.execPath, ['dist/main.js', 'worker'], {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      env: {
        HELIOGRAPH_POSTGRES_URL: postgresDatabase.url,
        HELIOGRAPH_CLICKHOUSE_URL: stackAddresses().clickhouseUrl,
        HELIOGRAPH_CLICKHOUSE_DATABASE: clickhouseDatabase.database,
        HELIOGRAPH_TEMPORAL_ADDRESS: temporal.address,
        HELIOGRAPH_TEMPORAL_NAMESPACE: temporal.namespace,
        HELIOGRAPH_TEMPORAL_SETUP: 'true',
        HELIOGRAPH_SEALING_KEYS: SEALING_KEYS,
        HELIOGRAPH_CODEC_KEYS: keyRing('dispatch'),
        HELIOGRAPH_ALLOW_PRIVATE_ADDRESSES: 'true',
        HELIOGRAPH_HTTP_PORT: '0',
        HELIOGRAPH_WORKER_METRICS_PORT: String(await findUnusedPort()),
        HELIOGRAPH_WORKER_IDENTITY: name,
        HELIOGRAPH_SCAN_INTERVAL_MS: '200',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const isReady = async (): Promise<boolean> => {
      if (child.exitCode !== null) throw new Error(`${name} ended: ${output}`);
      const url = /"url":"(http:[^"]+)"/.exec(output)?.[1];
      return url !== undefined && (await fetch(`${url}/readyz`)).ok;
    };
    await eventually(`${name} is ready`, isReady, { timeoutMs: 40_000 });
    return child;
  };
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

    const first = await startWorker('first');
    await store('f1');
    await eventually('it is refused', () => sink.records.length > 0);
    const refusedAt = sink.records[0]?.receivedAt ?? 0;
    await eventually('the throttle is recorded', async () => {
      const { health } = await stores.connectedApps.get('app1');
      expect(health.failure).toBeNull();
      return health.throttledForMs > 0;
    });
    const isThirdReady = startWorker('third');
    isThirdReady.catch(() => undefined);
    const second = await startWorker('second');
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
    await kill(first);
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
    for (const child of children.splice(0)) await kill(child);
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
