import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startStack } from '../start-stack.js';

const directory = mkdtempSync(join(tmpdir(), 'heliograph-traces-'));
/** @type {import('../start-stack.js').Stack} */
let stack;
/** @type {import('@clickhouse/client').ClickHouseClient} */
let client;

beforeAll(async () => {
  stack = await startStack({ directory, profile: 'test', parts: ['clickhouse', 'traces'] });
  client = createClient({
    url: stack.env['HELIOGRAPH_CLICKHOUSE_URL'] ?? '',
    database: process.env['HELIOGRAPH_CLICKHOUSE_DATABASE'] || 'heliograph',
    log: { level: ClickHouseLogLevel.OFF },
  });
});
afterAll(async () => {
  await client?.close();
  await stack?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/**
 * @param {string} query
 * @param {Record<string, unknown>} [query_params]
 * @returns {Promise<unknown[]>}
 */
async function rowsOf(query, query_params = {}) {
  const result = await client.query({ query, query_params, format: 'JSONEachRow' });
  return result.json();
}

/** @param {unknown} body */
async function send(body) {
  const response = await fetch(`${stack.env['OTEL_EXPORTER_OTLP_ENDPOINT']}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json(), headers: response.headers };
}

// Today's, whatever the day is: rows older than 30 days are gone at once.
const SECOND = Math.floor(Date.now() / 1000);

/**
 * Gives an instant as the exporter does, so many nanoseconds after the test's second.
 * @param {number} afterNs
 */
const at = (afterNs) => String(BigInt(SECOND) * 1_000_000_000n + BigInt(afterNs));

/**
 * Gives a second as ClickHouse writes it, so many seconds after the test's.
 * @param {number} [after]
 */
const second = (after = 0) => new Date((SECOND + after) * 1000).toISOString().slice(0, 19).replace('T', ' ');

/** As the exporter of the SDK for JavaScript writes it, field by field. */
const REQUEST = {
  resourceSpans: [
    {
      resource: {
        attributes: [
          { key: 'service.name', value: { stringValue: 'dispatch-center-worker' } },
          { key: 'service.version', value: { stringValue: '1.2.3' } },
        ],
        droppedAttributesCount: 0,
      },
      scopeSpans: [
        {
          scope: { name: '@heliograph/dispatch-workflows', version: '' },
          spans: [
            {
              traceId: '5b8efff798038103d269b633813fc60c',
              spanId: 'eee19b7ec3c1b174',
              parentSpanId: 'eee19b7ec3c1b173',
              name: 'deliver',
              kind: 1,
              startTimeUnixNano: at(123_456_789),
              endTimeUnixNano: at(2_623_456_789),
              attributes: [
                { key: 'issue.fingerprint', value: { stringValue: 'ü "quoted" \\ \n' } },
                { key: 'notification.duration_ms', value: { intValue: 2500 } },
                {
                  key: 'dropped.reasons',
                  value: { arrayValue: { values: [{ stringValue: 'muted' }, { stringValue: 'rate' }] } },
                },
                { key: 'odd', value: { doubleValue: null } },
              ],
              droppedAttributesCount: 0,
              events: [
                {
                  attributes: [{ key: 'code', value: { stringValue: 'GONE' } }],
                  name: 'dropped',
                  timeUnixNano: at(1_000_000_001),
                  droppedAttributesCount: 0,
                },
              ],
              droppedEventsCount: 0,
              status: { code: 2 },
              links: [
                {
                  attributes: [],
                  spanId: 'eee19b7ec3c1b175',
                  traceId: '5b8efff798038103d269b633813fc60d',
                  droppedAttributesCount: 0,
                  flags: 256,
                },
              ],
              droppedLinksCount: 0,
              flags: 257,
            },
            {
              traceId: '5b8efff798038103d269b633813fc60c',
              spanId: 'eee19b7ec3c1b173',
              name: 'dispatch',
              kind: 1,
              startTimeUnixNano: at(-1_000_000_000),
              endTimeUnixNano: at(0),
              attributes: [],
              droppedAttributesCount: 0,
              events: [],
              droppedEventsCount: 0,
              status: { code: 0 },
              links: [],
              droppedLinksCount: 0,
              flags: 257,
            },
          ],
        },
      ],
    },
  ],
};

test('the part says where it listens', () => {
  const receiver = stack.processes().find(({ name }) => name === 'otlp-receiver');
  expect(receiver).toMatchObject({ url: stack.env['OTEL_EXPORTER_OTLP_ENDPOINT'], state: 'ready' });
});

test('the tables are there before the first span', async () => {
  const tables = () => rowsOf(`select name, engine from system.tables where name like 'otel%' order by name`);
  // Until then there is not even the database.
  const count = () =>
    tables()
      .then(({ length }) => length)
      .catch(() => 0);
  for (let tries = 0; tries < 200 && (await count()) < 3; tries++) await delay(25);
  expect(await tables()).toEqual([
    { name: 'otel_traces', engine: 'MergeTree' },
    { name: 'otel_traces_trace_id_ts', engine: 'AggregatingMergeTree' },
    { name: 'otel_traces_trace_id_ts_mv', engine: 'MaterializedView' },
  ]);
});

test('a span that was sent is a row with all it had', async () => {
  expect(await send(REQUEST)).toMatchObject({ status: 200, body: {} });
  const rows = await rowsOf(
    `select * replace (toString(Duration) as Duration) from otel_traces where SpanId = 'eee19b7ec3c1b174'`,
  );
  expect(rows).toEqual([
    {
      Timestamp: `${second()}.123456789`,
      TraceId: '5b8efff798038103d269b633813fc60c',
      SpanId: 'eee19b7ec3c1b174',
      ParentSpanId: 'eee19b7ec3c1b173',
      TraceState: '',
      SpanName: 'deliver',
      SpanKind: 'Internal',
      ServiceName: 'dispatch-center-worker',
      ResourceAttributes: { 'service.name': 'dispatch-center-worker', 'service.version': '1.2.3' },
      ScopeName: '@heliograph/dispatch-workflows',
      ScopeVersion: '',
      SpanAttributes: {
        'issue.fingerprint': 'ü "quoted" \\ \n',
        'notification.duration_ms': '2500',
        'dropped.reasons': '["muted","rate"]',
        odd: '',
      },
      Duration: '2500000000',
      StatusCode: 'Error',
      StatusMessage: '',
      'Events.Timestamp': [`${second(1)}.000000001`],
      'Events.Name': ['dropped'],
      'Events.Attributes': [{ code: 'GONE' }],
      'Links.TraceId': ['5b8efff798038103d269b633813fc60d'],
      'Links.SpanId': ['eee19b7ec3c1b175'],
      'Links.TraceState': [''],
      'Links.Attributes': [{}],
    },
  ]);
});

test('a trace is found by its id within the seconds that the lookup names', async () => {
  const rows = await rowsOf(
    `with (select min(Start) from otel_traces_trace_id_ts where TraceId = {id: String}) as first,
          (select max(End) + 1 from otel_traces_trace_id_ts where TraceId = {id: String}) as last
     select SpanName, toString(first) as from, toString(last) as until
     from otel_traces where TraceId = {id: String} and Timestamp between first and last order by Timestamp`,
    { id: '5b8efff798038103d269b633813fc60c' },
  );
  const seconds = { from: second(-1), until: second(1) };
  expect(rows).toEqual([
    { SpanName: 'dispatch', ...seconds },
    { SpanName: 'deliver', ...seconds },
  ]);
});

test('an attribute is found through the index of its items', async () => {
  const where = `has(SpanAttributeItems, 'notification.duration_ms=2500')`;
  expect(await rowsOf(`select SpanId from otel_traces where ${where}`)).toEqual([
    { SpanId: 'eee19b7ec3c1b174' },
  ]);
  const plan = await rowsOf(`explain indexes = 1 select SpanId from otel_traces where ${where}`);
  expect(JSON.stringify(plan)).toContain('idx_span_attr_items');
});

const PAGE = readFileSync(new URL('../../../../docs/operations/traces.md', import.meta.url), 'utf8');
const QUERIES = [...PAGE.matchAll(/```sql\n([^]*?)```/g)].map(([, query = '']) => query);

test.each(QUERIES)('the page about traces has a query that is answered: %s', async (query) => {
  const asked = query.replaceAll('TRACE_ID', '5b8efff798038103d269b633813fc60c');
  expect(Array.isArray(await rowsOf(asked))).toBe(true);
});

test('many senders at a time lose nothing', async () => {
  const senders = Array.from({ length: 20 }, (_, index) => {
    const spans = Array.from({ length: 50 }, (__, span) => ({
      name: `crowd-${index}`,
      startTimeUnixNano: at(span),
    }));
    return send({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
  });
  for (const { status } of await Promise.all(senders)) expect(status).toBe(200);
  expect(
    await rowsOf(`select toUInt32(count()) as spans, toUInt32(uniq(SpanName)) as senders from otel_traces
                  where SpanName like 'crowd-%'`),
  ).toEqual([{ spans: 1000, senders: 20 }]);
});

test('a request with one malformed span stores none of its spans', async () => {
  const spans = [
    { name: 'whole', startTimeUnixNano: at(0) },
    { name: 'broken', traceId: 'abc' },
  ];
  expect(await send({ resourceSpans: [{ scopeSpans: [{ spans }] }] })).toMatchObject({
    status: 400,
    body: {
      code: 3,
      message: 'resourceSpans[0].scopeSpans[0].spans[1].traceId must have 32 hexadecimal digits',
    },
  });
  expect(await rowsOf(`select 1 from otel_traces where SpanName = 'whole'`)).toEqual([]);
});

test('a dropped table is created again by the next span', async () => {
  await client.command({ query: 'drop table otel_traces sync' });
  expect(await send(REQUEST)).toMatchObject({ status: 200 });
  expect(await rowsOf('select toUInt32(count()) as spans from otel_traces')).toEqual([{ spans: 2 }]);
});

test('while ClickHouse is away senders are asked to come back, and later everything goes on', async () => {
  const clickhouse = stack.processes().find(({ name }) => name === 'clickhouse');
  process.kill(clickhouse?.pid ?? 0, 'SIGKILL');
  const body = {
    resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'patient', startTimeUnixNano: at(0) }] }] }],
  };
  const first = await send(body);
  expect(first).toMatchObject({ status: 503, body: { code: 14, message: 'ClickHouse does not answer' } });
  expect(first.headers.get('retry-after')).toBe('1');
  let { status } = first;
  for (let tries = 0; tries < 200 && status === 503; tries++) {
    await delay(100);
    ({ status } = await send(body));
  }
  expect(status).toBe(200);
  expect(
    await rowsOf(`select toUInt32(count()) as spans from otel_traces where SpanName = 'patient'`),
  ).toEqual([{ spans: 1 }]);
});

test('a stack without the part says nothing of it', async () => {
  const own = mkdtempSync(join(tmpdir(), 'heliograph-traces-'));
  const plain = await startStack({ directory: own, profile: 'test', parts: ['clickhouse'] });
  expect(plain.env['OTEL_EXPORTER_OTLP_ENDPOINT']).toBeUndefined();
  await plain.stop();
  rmSync(own, { recursive: true, force: true });
});
