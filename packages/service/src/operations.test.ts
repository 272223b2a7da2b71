import { pageQuery } from '@heliograph/api-contract';
import { context, propagation, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import { afterEach, describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { createBearerAuth } from './bearer-auth.ts';
import { type Edge, type EdgeOptions, createEdge } from './edge.ts';
import { type HttpServer, listen } from './listen.ts';
import { createLogger } from './log.ts';
import { memoryIdempotencyStore } from './idempotency.ts';
import { startTelemetry, type Telemetry } from './telemetry.ts';

let server: HttpServer | undefined;
let telemetry: Telemetry | undefined;
let edge: Edge;
const logger = createLogger({ name: 'svc', level: 'silent' });

async function start(
  options: Partial<EdgeOptions> = {},
  declare: (edge: Edge) => void = () => undefined,
): Promise<void> {
  edge = createEdge({
    name: 'svc',
    version: '1.0.0',
    logger,
    idempotency: memoryIdempotencyStore(),
    ...options,
  });
  declare(edge);
  server = await listen(edge, { port: 0 });
}
const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${server?.url}${path}`, { headers });
afterEach(async () => {
  await server?.stop(0);
  await telemetry?.shutdown();
  telemetry = undefined;
});

describe('health', () => {
  test('/healthz says who answers', async () => {
    await start();
    await expect((await get('/healthz')).json()).resolves.toEqual({
      status: 'ok',
      name: 'svc',
      version: '1.0.0',
    });
  });

  test('/readyz names what fails or is late, and recovers', async () => {
    let broken = true;
    await start({
      readiness: [
        {
          name: 'postgres',
          check: () => (broken ? Promise.reject(new Error('hunter2')) : Promise.resolve()),
        },
        {
          name: 'clickhouse',
          timeoutMs: 20,
          check: () => (broken ? new Promise(() => undefined) : Promise.resolve()),
        },
        { name: 'fine', check: () => Promise.resolve() },
      ],
    });
    const response = await get('/readyz');
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ code: 'NOT_READY', failing: ['clickhouse', 'postgres'] });
    expect(text).not.toContain('hunter2');
    broken = false;
    await expect(get('/readyz')).resolves.toMatchObject({ status: 200 });
  });

  test('/readyz says without what the service is ready, and /metrics measures it', async () => {
    telemetry = startTelemetry({ serviceName: 'svc', version: '0' });
    let broken = true;
    const check = () => (broken ? Promise.reject(new Error('hunter2')) : Promise.resolve());
    await start({
      telemetry,
      readiness: [
        { name: 'postgres', isRequired: false, check },
        { name: 'clickhouse', check: () => Promise.resolve() },
      ],
    });
    const degraded = await get('/readyz');
    expect(degraded.status).toBe(200);
    await expect(degraded.json()).resolves.toEqual({ status: 'ready', degraded: ['postgres'] });
    const metrics = async () => (await (await get('/metrics')).text()).match(/^service_dependency_up.*$/gm);
    await expect(metrics()).resolves.toEqual([
      'service_dependency_up{check="postgres"} 0',
      'service_dependency_up{check="clickhouse"} 1',
    ]);
    broken = false;
    await expect((await get('/readyz')).json()).resolves.toEqual({ status: 'ready' });
    await expect(metrics()).resolves.toContain('service_dependency_up{check="postgres"} 1');
  });

  test('many askers share one run of the checks', async () => {
    let runs = 0;
    await start({
      readiness: [
        {
          name: 'slow',
          check: async () => {
            runs += 1;
            await new Promise((resolve) => setTimeout(resolve, 50));
          },
        },
      ],
    });
    await Promise.all(Array.from({ length: 10 }, () => get('/readyz')));
    expect(runs).toBeLessThan(10);
  });

  test('/readyz is 503 while draining, other requests are still answered', async () => {
    const draining = new AbortController();
    await start({ draining: draining.signal });
    await expect(get('/readyz')).resolves.toMatchObject({ status: 200 });
    draining.abort();
    const response = await get('/readyz');
    expect(response.status).toBe(503);
    await expect(response.json()).resolves.toMatchObject({ failing: ['draining'] });
    expect((await get('/healthz')).status).toBe(200);
    expect(edge.isDraining()).toBe(true);
  });
});

describe('metrics and traces', () => {
  test('/metrics counts requests by template, and unknown paths and methods under one label', async () => {
    telemetry = startTelemetry({ serviceName: 'svc', version: '0' });
    await start({ telemetry }, (target) =>
      target.route({
        method: 'GET',
        path: '/things/:id',
        summary: 'x',
        scope: null,
        responses: { 204: { description: 'x' } },
        handler: () => ({ status: 204 }),
      }),
    );
    for (const path of ['/things/1', '/things/2', '/random-1', '/random-2']) await get(path);
    await fetch(`${server?.url}/things/1`, { method: 'PROPFIND' });
    const response = await get('/metrics');
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await response.text();
    expect(text).toContain(
      'http_server_request_duration_seconds_count{method="GET",route="/things/:id",status="204"} 2',
    );
    expect(text).toContain(
      'http_server_request_duration_seconds_count{method="GET",route="unmatched",status="404"} 2',
    );
    expect(text).toContain(
      'http_server_request_duration_seconds_count{method="_OTHER",route="unmatched",status="405"} 1',
    );
    expect(text).not.toContain('random');
    expect(text).toContain('process_cpu_seconds_total');
  });

  test('/metrics can demand a scope, and is absent without telemetry', async () => {
    telemetry = startTelemetry({ serviceName: 'svc', version: '0', processMetrics: false });
    const auth = createBearerAuth([
      { id: 'p', secret: 'scraper', scopes: ['metrics:read'] },
      { id: 'q', secret: 'other', scopes: [] },
    ]);
    await start({ telemetry, auth, metricsScope: 'metrics:read' });
    const statuses = await Promise.all(
      [{}, { authorization: 'Bearer other' }, { authorization: 'Bearer scraper' }].map(
        async (headers) => (await get('/metrics', headers)).status,
      ),
    );
    expect(statuses).toEqual([401, 403, 200]);
    await server?.stop(0);
    await start();
    await expect(get('/metrics')).resolves.toMatchObject({ status: 404 });
  });

  test('a server span continues the caller’s trace and is the parent of what the handler does; probes have none', async () => {
    const exporter = new InMemorySpanExporter();
    telemetry = startTelemetry({
      serviceName: 'svc',
      version: '0',
      processMetrics: false,
      spanProcessors: [new SimpleSpanProcessor({ exporter })],
    });
    const onward: Record<string, string> = {};
    await start({ telemetry }, (target) =>
      target.route({
        method: 'GET',
        path: '/things/:id',
        summary: 'x',
        scope: null,
        responses: { 204: { description: 'x' } },
        handler: async () => {
          await Promise.resolve();
          propagation.inject(context.active(), onward);
          trace.getTracer('handler').startSpan('inner').end();
          throw new Error('x');
        },
      }),
    );
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    await get('/things/1?token=hunter2', { traceparent: `00-${traceId}-b7ad6b7169203331-01` });
    const [inner, outer] = exporter.getFinishedSpans();
    expect(outer).toMatchObject({
      name: 'GET /things/:id',
      parentSpanContext: { spanId: 'b7ad6b7169203331' },
      status: { code: 2 },
      attributes: { 'http.route': '/things/:id', 'http.response.status_code': 500 },
    });
    expect([inner?.spanContext().traceId, outer?.spanContext().traceId]).toEqual([traceId, traceId]);
    expect(inner?.parentSpanContext?.spanId).toBe(outer?.spanContext().spanId);
    expect(onward['traceparent']).toBe(`00-${traceId}-${outer?.spanContext().spanId}-01`);
    expect(JSON.stringify(outer?.attributes)).not.toContain('hunter2');
    for (const path of ['/healthz', '/readyz', '/metrics']) await get(path);
    expect(exporter.getFinishedSpans()).toHaveLength(2);
  });
});

test('OpenAPI describes every route from its schemas', async () => {
  const Thing = v.object({
    name: v.pipe(v.string(), v.minLength(1), v.maxLength(20)),
    at: v.pipe(v.string(), v.isoTimestamp()),
    kind: v.picklist(['a', 'b']),
    size: v.optional(v.number(), 1),
  });
  await start({}, (target) => {
    target.route({
      method: 'PUT',
      path: '/api/v1/groups/:groupId/things/:thingId',
      summary: 'Replace a thing',
      description: 'All of it.',
      tags: ['things'],
      scope: 'things:write',
      params: v.object({ groupId: v.pipe(v.string(), v.uuid()), thingId: v.string() }),
      query: v.object({ ...pageQuery(), force: v.picklist(['yes', 'no']) }),
      body: Thing,
      idempotency: 'required',
      responses: { 200: { description: 'The thing', schema: Thing }, 204: { description: 'Nothing' } },
      handler: () => ({ status: 204 }),
    });
    target.route({
      method: 'GET',
      path: '/api/v1/things',
      operationId: 'listThings',
      summary: 'List',
      scope: null,
      etag: true,
      responses: { 200: { description: 'All', schema: v.array(Thing) } },
      handler: () => ({ status: 200, body: [] }),
    });
    target.route({
      method: 'GET',
      path: '/api/v1/stream',
      summary: 'Stream',
      scope: null,
      responses: { 200: { description: 'Events', contentType: 'text/event-stream' } },
      handler: () => new Response(''),
    });
  });
  const document = (await (await get('/openapi.json')).json()) as {
    readonly paths: Record<string, Record<string, { operationId: string }>>;
  };
  expect(document).toEqual(JSON.parse(JSON.stringify(edge.openApi())));
  expect(document).toMatchObject({
    openapi: '3.1.0',
    info: { title: 'svc', version: '1.0.0' },
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: { required: expect.arrayContaining(['code', 'requestId']) } },
    },
  });
  const problems = {
    description: expect.any(String),
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
  const schema = {
    type: 'object',
    properties: {
      name: { type: 'string', minLength: 1, maxLength: 20 },
      at: { type: 'string', format: 'date-time' },
      kind: { enum: ['a', 'b'] },
      size: { type: 'number', default: 1 },
    },
    required: ['name', 'at', 'kind'],
  };
  expect(document.paths).toMatchObject({
    '/api/v1/groups/{groupId}/things/{thingId}': {
      put: {
        operationId: 'put-api-v1-groups-by-groupId-things-by-thingId',
        summary: 'Replace a thing',
        description: 'All of it.',
        tags: ['things'],
        security: [{ bearer: ['things:write'] }],
        parameters: [
          { name: 'groupId', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } },
          { name: 'thingId', in: 'path', required: true, schema: { type: 'string' } },
          { name: 'limit', in: 'query', required: false, schema: { type: 'string', default: '50' } },
          { name: 'cursor', in: 'query', required: false, schema: { type: 'string', maxLength: 2048 } },
          { name: 'force', in: 'query', required: true },
          { name: 'Idempotency-Key', in: 'header', required: true },
        ],
        requestBody: { required: true, content: { 'application/json': { schema } } },
        responses: {
          200: { description: 'The thing', content: { 'application/json': { schema } } },
          204: { description: 'Nothing' },
          default: problems,
        },
      },
    },
    '/api/v1/things': {
      get: {
        operationId: 'listThings',
        security: [],
        responses: { 200: { content: { 'application/json': { schema: { type: 'array' } } } }, 304: {} },
      },
    },
    '/api/v1/stream': { get: { responses: { 200: { content: { 'text/event-stream': {} } } } } },
  });
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(
    ([, name]) => name,
  );
  expect(new Set(refs)).toEqual(new Set(['Problem']));
});
