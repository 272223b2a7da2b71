import { readFileSync } from 'node:fs';
import { connectClickHouse } from '@heliograph/database';
import { startTcpProxy, startTcpServer } from '@heliograph/simulators';
import { eventually, freshClickHouse, type FreshClickHouse, stackAddresses } from '@heliograph/testkit';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { createClickHouseSpanExporter } from './clickhouse-span-exporter.ts';

const TRACE = '5b8efff798038103d269b633813fc60c';
// Today's, whatever the day is: rows older than 30 days are gone at once.
const SECOND = Math.floor(Date.now() / 1000);

let fresh: FreshClickHouse;
let client: ReturnType<typeof connectClickHouse>;
let exporter: SpanExporter;
beforeAll(async () => {
  fresh = await freshClickHouse('traces');
  client = connectClickHouse({ url: fresh.url, application: 'traces-test' });
  exporter = open();
});
afterAll(async () => {
  await exporter.shutdown();
  await client.close();
  await fresh.drop();
});

function open(more: { readonly url?: string; readonly retryForMs?: number } = {}): SpanExporter {
  return createClickHouseSpanExporter({
    url: stackAddresses().clickhouseUrl,
    database: fresh.database,
    application: 'traces-test',
    // Short only for a ClickHouse in trouble: a batch that is answered too late is stored twice.
    ...(more.url === undefined ? {} : { requestTimeoutMs: 500 }),
    ...more,
  });
}

const store = (spans: readonly ReadableSpan[], to: SpanExporter = exporter): Promise<ExportResult> =>
  new Promise((resolve) => to.export([...spans], resolve));
const rowsOf = async (query: string): Promise<unknown[]> =>
  (await client.query({ query, format: 'JSONEachRow' })).json();
const second = (after = 0): string =>
  new Date((SECOND + after) * 1000).toISOString().slice(0, 19).replace('T', ' ');

function spanOf(spanId: string, more: Partial<ReadableSpan> = {}): ReadableSpan {
  return {
    name: 'dispatch',
    kind: SpanKind.INTERNAL,
    spanContext: () => ({ traceId: TRACE, spanId, traceFlags: 1 }),
    startTime: [SECOND, 123_456_789],
    endTime: [SECOND + 2, 623_456_789],
    status: { code: SpanStatusCode.UNSET },
    attributes: {},
    links: [],
    events: [],
    duration: [2, 500_000_000],
    ended: true,
    resource: resourceFromAttributes({ 'service.name': 'worker', 'service.version': '1.2.3' }),
    instrumentationScope: { name: '@heliograph/dispatch-workflows' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
    ...more,
  };
}

const DELIVER = spanOf('eee19b7ec3c1b174', {
  name: 'deliver',
  parentSpanContext: { traceId: TRACE, spanId: 'eee19b7ec3c1b173', traceFlags: 1 },
  status: { code: SpanStatusCode.ERROR },
  attributes: {
    'issue.fingerprint': 'ü "quoted" \\ \n',
    'notification.duration_ms': 2500,
    'dropped.reasons': ['muted', 'rate'],
    odd: 'half \uD800',
  },
  events: [{ time: [SECOND + 1, 1], name: 'dropped', attributes: { code: 'GONE' } }],
  links: [{ context: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 } }],
});
const DISPATCH = spanOf('eee19b7ec3c1b173', { startTime: [SECOND - 1, 0], endTime: [SECOND, 0] });

test('the tables are there before the first span', async () => {
  const tables = await eventually('three tables', async () => {
    const found = await rowsOf(
      `select name, engine from system.tables where database = currentDatabase() and name like 'otel%' order by name`,
    );
    return found.length === 3 ? found : undefined;
  });
  expect(tables).toEqual([
    { name: 'otel_traces', engine: 'MergeTree' },
    { name: 'otel_traces_trace_id_ts', engine: 'AggregatingMergeTree' },
    { name: 'otel_traces_trace_id_ts_mv', engine: 'MaterializedView' },
  ]);
});

test('a span is a row with all it had', async () => {
  expect(await store([DELIVER, DISPATCH])).toEqual({ code: ExportResultCode.SUCCESS });
  expect(
    await rowsOf(
      `select * replace (toString(Duration) as Duration) from otel_traces where SpanName = 'deliver'`,
    ),
  ).toEqual([
    {
      Timestamp: `${second()}.123456789`,
      TraceId: TRACE,
      SpanId: 'eee19b7ec3c1b174',
      ParentSpanId: 'eee19b7ec3c1b173',
      TraceState: '',
      SpanName: 'deliver',
      SpanKind: 'Internal',
      ServiceName: 'worker',
      ResourceAttributes: { 'service.name': 'worker', 'service.version': '1.2.3' },
      ScopeName: '@heliograph/dispatch-workflows',
      ScopeVersion: '',
      SpanAttributes: {
        'issue.fingerprint': 'ü "quoted" \\ \n',
        'notification.duration_ms': '2500',
        'dropped.reasons': '["muted","rate"]',
        odd: 'half \uFFFD',
      },
      Duration: '2500000000',
      StatusCode: 'Error',
      StatusMessage: '',
      'Events.Timestamp': [`${second(1)}.000000001`],
      'Events.Name': ['dropped'],
      'Events.Attributes': [{ code: 'GONE' }],
      'Links.TraceId': ['a'.repeat(32)],
      'Links.SpanId': ['b'.repeat(16)],
      'Links.TraceState': [''],
      'Links.Attributes': [{}],
    },
  ]);
});

test('a trace is found by its id within the seconds that the lookup names', async () => {
  const rows = await rowsOf(
    `with (select min(Start) from otel_traces_trace_id_ts where TraceId = '${TRACE}') as first,
          (select max(End) + 1 from otel_traces_trace_id_ts where TraceId = '${TRACE}') as last
     select SpanName, toString(first) as from, toString(last) as until
     from otel_traces where TraceId = '${TRACE}' and Timestamp between first and last order by Timestamp`,
  );
  const seconds = { from: second(-1), until: second(1) };
  expect(rows).toEqual([
    { SpanName: 'dispatch', ...seconds },
    { SpanName: 'deliver', ...seconds },
  ]);
});

test('an attribute is found through the index of its items', async () => {
  const where = `has(SpanAttributeItems, 'notification.duration_ms=2500')`;
  expect(await rowsOf(`select SpanName from otel_traces where ${where}`)).toEqual([{ SpanName: 'deliver' }]);
  const plan = await rowsOf(`explain indexes = 1 select SpanId from otel_traces where ${where}`);
  expect(JSON.stringify(plan)).toContain('idx_span_attr_items');
});

const PAGE = readFileSync(new URL('../../../../docs/operations/traces.md', import.meta.url), 'utf8');
const QUERIES = [...PAGE.matchAll(/```sql\n([^]*?)```/g)].map(([, query = '']) => query);

test.each(QUERIES)('the page about traces has a query that is answered: %s', async (query) => {
  expect(Array.isArray(await rowsOf(query.replaceAll('TRACE_ID', TRACE)))).toBe(true);
});

test('a dropped table is created again, and the spans are in it', async () => {
  await client.command({ query: 'drop table otel_traces sync' });
  expect(await store([DELIVER, DISPATCH])).toEqual({ code: ExportResultCode.SUCCESS });
  expect(await rowsOf('select toUInt32(count()) as spans from otel_traces')).toEqual([{ spans: 2 }]);
});

test('spans wait for a ClickHouse that comes back', async () => {
  const address = new URL(stackAddresses().clickhouseUrl);
  const proxy = await startTcpProxy(Number(address.port));
  address.port = String(proxy.port);
  await proxy.takeDown();
  const patient = open({ url: address.href });
  const stored = store([spanOf('c'.repeat(16), { name: 'patient' })], patient);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await proxy.bringUp();
  expect(await stored).toEqual({ code: ExportResultCode.SUCCESS });
  expect(
    await rowsOf(`select toUInt32(count()) as spans from otel_traces where SpanName = 'patient'`),
  ).toEqual([{ spans: 1 }]);
  await patient.shutdown();
  await proxy.close();
});

test('what cannot be stored in time is dropped and counted, without a word of the spans', async () => {
  const away = open({ url: 'http://default:hunter2@127.0.0.1:1', retryForMs: 250 });
  expect(await store([DELIVER, DISPATCH], away)).toMatchObject({
    code: ExportResultCode.FAILED,
    error: {
      message: expect.stringMatching(
        /^2 spans were dropped, 2 since the start: [^"\n]*not available \(ECONNREFUSED\)$/,
      ),
    },
  });
  const { error } = await store([DISPATCH], away);
  expect(error?.message).toMatch(/^1 spans were dropped, 3 since the start/);
  expect(String(error?.stack)).not.toContain('hunter2');
  await away.shutdown();
});

test('a shutdown ends within a request’s timeout, although ClickHouse hangs', async () => {
  const server = await startTcpServer((socket) => socket.resume());
  const hanging = open({ url: `http://127.0.0.1:${server.port}` });
  const stored = store([DISPATCH], hanging);
  const startedAt = performance.now();
  await Promise.all([hanging.shutdown(), hanging.shutdown()]);
  expect(performance.now() - startedAt).toBeLessThan(4000);
  expect(await stored).toMatchObject({ code: ExportResultCode.FAILED });
  await server.close();
});
