import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startLoopbackServer, type LoopbackServer } from '@heliograph/simulators';
import { eventually } from '@heliograph/testkit';
import { findCanaries, hatchCanaries, readFolder } from './canaries.ts';
import { startSystem, type System } from './start-system.ts';
import { readStoredHistories } from './stored-payloads.ts';

const canaries = hatchCanaries([
  'monitor',
  'fingerprint',
  'event-id',
  'severity',
  'label-name',
  'label-value',
  'annotation-name',
  'annotation-value',
  'route-name',
  'route-query',
  'app-name',
  'app-path',
  'app-query-value',
  'app-secret',
  'refusal-body',
  'failure-body',
  'throttle-body',
  'database-error',
]);

let collector: LoopbackServer;
let system: System;

/** Reports an issue whose every part has a canary in it; resolves when it was accepted by the receiver or dropped. */
async function report(
  name: string,
  status: 'firing' | 'resolved' | 'suppressed' = 'firing',
): Promise<string> {
  const fingerprint = `${canaries.fingerprint} ${name}`;
  await system.client.storeIssues({
    body: {
      eventId: `${canaries['event-id']}:${name}:${status}`,
      monitor: canaries.monitor,
      fingerprint,
      status,
      severity: canaries.severity,
      labels: {
        case: name,
        customer: canaries['route-query'],
        [canaries['label-name']]: canaries['label-value'],
      },
      annotations: { [canaries['annotation-name']]: canaries['annotation-value'] },
    },
  });
  return fingerprint;
}

/** Waits for a reason, as `heliograph explain alert` shows it. */
const explained = (fingerprint: string, expected: string) =>
  eventually(
    `the explanation says ${expected}`,
    async () => {
      const { body } = await system.client.explainAlert({ query: { fingerprint } });
      return JSON.stringify(body).includes(`"${expected}"`) ? body : undefined;
    },
    { timeoutMs: 60_000, intervalMs: 200 },
  );

beforeAll(async () => {
  collector = await startLoopbackServer((response) => response.writeHead(200).end('{}'));
  system = await startSystem({
    HELIOGRAPH_LOG_LEVEL: 'debug',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    HELIOGRAPH_RESOLVE_RETRY_MS: '0',
    HELIOGRAPH_SWEEP_INTERVAL_MS: '1000',
  });
  const { client, sink, sql } = system;
  const app = await client.createConnectedApp({
    body: {
      name: canaries['app-name'],
      provider: 'webhook',
      settings: {
        url: `${sink.url}/?${new URLSearchParams({ token: canaries['app-query-value'] }).toString()}`,
      },
      secret: `whsec_${Buffer.from(canaries['app-secret']).toString('base64')}`,
    },
  });
  await client.createRoute({
    body: {
      name: canaries['route-name'],
      query: `label.customer:"${canaries['route-query']}"`,
      connectedAppIds: [app.body.id],
      renotifyIntervalMs: 1000,
    },
  });
  const until = (streamContains: string, status: number, body: string, times: number) => ({
    streamContains,
    times,
    fault: { kind: 'status' as const, status, body, ...(status === 429 ? { retryAfterSeconds: 1 } : {}) },
  });

  // Delivered, renotified, suppressed, resolved.
  const life = await report('life');
  await explained(life, 'delivered');
  await report('life', 'suppressed');
  await report('life', 'resolved');
  await eventually('it is resolved', () => sink.records.some(({ body }) => body.type === 'alert.resolved'), {
    timeoutMs: 30_000,
  });

  // Refused, failed and throttled, each with a body that quotes what it was sent.
  for (const [name, status, times] of [
    ['refusal', 400, 1],
    ['failure', 503, 3],
    ['throttle', 429, 2],
  ] as const) {
    const streams = sink.records.length;
    sink.setFaults([until('', status, canaries[`${name}-body`], times)]);
    await report(name);
    await eventually(`the receiver answers ${status}`, () => sink.records.length >= streams + times, {
      timeoutMs: 60_000,
    });
    sink.setFaults([]);
  }

  // A database whose errors quote what it holds.
  await sql.unsafe(`
    create function dispatch.fail() returns trigger language plpgsql as
      $$ begin raise exception '${canaries['database-error']}'; end $$;
    create trigger fail before insert or update on dispatch.stream_state
      for each row execute function dispatch.fail();
    create trigger fail before insert or update on dispatch.delivery_intents
      for each row execute function dispatch.fail();
    create trigger fail before insert on dispatch.ledger_outbox
      for each row execute function dispatch.fail()`);
  const fingerprint = await report('database');
  await eventually('an activity fails', () => logsOf('worker').includes('P0001') || undefined, {
    timeoutMs: 30_000,
  });
  // The relay of the ledger fails as well, and may log before any activity does.
  await eventually(
    'a failure is recorded',
    async () => (await readStoredHistories(system.temporal)).payloads.some(isOfFailure),
    { timeoutMs: 60_000, intervalMs: 500 },
  );
  await sql.unsafe('drop function dispatch.fail cascade');
  await explained(fingerprint, 'delivered');
  await eventually(
    'traces and metrics are sent',
    () => new Set(collector.requests.map(({ path }) => path)).size === 2,
    { timeoutMs: 60_000 },
  );
}, 240_000);
afterAll(async () => {
  await system.stop();
  await collector.close();
}, 180_000);

const logsOf = (role: string): Buffer =>
  readFolder(join(system.stack.directory, 'logs')).get(
    join(system.stack.directory, 'logs', `dispatch-center-${role}.log`),
  ) ?? Buffer.alloc(0);

const isOfFailure = ({ place }: { readonly place: string }): boolean =>
  place.replace(/^.* event \d+\./, '').includes('encodedAttributes');

test('the key was made at the first start, and only its owner can read it', () => {
  expect(statSync(system.keyFile).mode.toString(8)).toMatch(/600$/);
});

test('every payload that Temporal holds is encrypted, with the key of the stack', async () => {
  const { runs, payloads } = await readStoredHistories(system.temporal);
  expect(runs).toBeGreaterThan(4);
  const encrypted = payloads.filter(({ plainAs }) => plainAs === null);
  expect(encrypted.length).toBeGreaterThan(50);
  expect(
    encrypted.filter(({ encoding, keyId }) => encoding !== 'binary/encrypted' || keyId !== 'local-1'),
  ).toEqual([]);
  // Local activities are recorded in markers, with a part that the SDK's core writes.
  const markers = payloads.filter(({ plainAs }) => plainAs === 'marker');
  const names = markers.flatMap(({ data }) => Object.keys(JSON.parse(data.toString())));
  expect([...new Set(names)].toSorted()).toEqual([
    'activity_id',
    'activity_type',
    'attempt',
    'backoff',
    'complete_time',
    'original_schedule_time',
    'seq',
  ]);
  const headers = payloads.filter(({ plainAs }) => plainAs === 'header');
  expect(headers.every(({ place }) => place.endsWith('.heliograph-trace'))).toBe(true);
  expect(payloads.some(isOfFailure)).toBe(true);
});

describe('no canary is found', () => {
  const { 'database-error': _, ...ofCustomers } = canaries;

  test('in the files of Temporal’s database', () => {
    const files = readFolder(join(system.stack.directory, 'temporal'));
    expect([...files.keys()].some((path) => path.endsWith('.sqlite-wal'))).toBe(true);
    for (const [path, bytes] of files) expect([path, findCanaries(bytes, canaries)]).toEqual([path, []]);
  });

  test('although it would be, if it were stored in clear', async () => {
    const options = { workflowId: 'plain', taskQueue: 'nobody', args: [canaries['label-value']] };
    const handle = await system.temporal.workflow.start('plain', options);
    const files = readFolder(join(system.stack.directory, 'temporal'));
    await handle.terminate();
    expect([...files.values()].flatMap((bytes) => findCanaries(bytes, canaries))).toContain('label-value');
  });

  test('in the logs', () => {
    const files = readFolder(join(system.stack.directory, 'logs'));
    expect(files.size).toBeGreaterThan(3);
    for (const [path, bytes] of files) {
      // PostgreSQL's own log has the text of each exception that is raised in it.
      const hunted = path.endsWith('postgres.log') ? ofCustomers : canaries;
      expect([path, findCanaries(bytes, hunted)]).toEqual([path, []]);
    }
  });

  test('in exported traces and metrics', () => {
    const paths = new Set(collector.requests.map(({ path }) => path));
    expect([...paths].toSorted()).toEqual(['/v1/metrics', '/v1/traces']);
    const bodies = Buffer.from(collector.requests.map(({ body }) => body).join('\n'));
    expect(bodies.includes('deliver')).toBe(true);
    expect(findCanaries(bodies, canaries)).toEqual([]);
  });
});
