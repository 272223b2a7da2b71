import { connect } from 'node:net';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { dictionary } from '@heliograph/api-contract';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import * as v from 'valibot';
import { createBearerAuth } from './bearer-auth.ts';
import { manualClock } from './clock.ts';
import { type Edge, type EdgeOptions, createEdge } from './edge.ts';
import { memoryIdempotencyStore } from './idempotency.ts';
import { sequentialIds } from './ids.ts';
import { type HttpServer, listen } from './listen.ts';
import { type Logger, createLogger } from './log.ts';
import { problem } from './problem.ts';
import { startTelemetry } from './telemetry.ts';

let lines: string[] = [];
let logger: Logger;
let server: HttpServer;
let edge: Edge;
const clock = manualClock();

const start = async (options: Partial<EdgeOptions>, declare: (edge: Edge) => void): Promise<void> => {
  await server?.stop(0);
  edge = createEdge({
    name: 'svc',
    version: '1.0.0',
    logger,
    clock,
    ids: sequentialIds('request'),
    idempotency: memoryIdempotencyStore({ clock }),
    validateResponses: true,
    auth: createBearerAuth([
      { id: 'reader', secret: 'reader-key', scopes: ['things:read'] },
      { id: 'writer', secret: 'writer-key', scopes: ['things:read', 'things:write'] },
      { id: 'root', secret: 'root-key', scopes: ['*'] },
    ]),
    ...options,
  });
  declare(edge);
  server = await listen(edge, { port: 0 });
};
const call = (path: string, init: RequestInit & { readonly key?: string } = {}): Promise<Response> =>
  fetch(server.url + path, {
    ...init,
    headers: {
      ...(init.key === undefined ? {} : { authorization: `Bearer ${init.key}` }),
      ...(init.headers as Record<string, string>),
    },
  });
const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  call(path, {
    method: 'POST',
    key: 'writer-key',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });
const fails = (reason: unknown): Promise<never> => Promise.reject(reason);
const logged = (): Record<string, unknown>[] =>
  lines.map((line) => JSON.parse(line) as Record<string, unknown>);

beforeEach(() => {
  lines = [];
  logger = createLogger({
    name: 'svc',
    level: 'debug',
    destination: { write: (line) => void lines.push(line) },
  });
});
afterEach(() => server.stop(0));

const Thing = v.strictObject({
  name: v.pipe(v.string(), v.minLength(1, 'Expected a name.')),
  size: v.optional(v.number(), 1),
  labels: v.optional(dictionary(v.string(), v.string()), {}),
});

describe('validation and problem details', () => {
  const things = (target: Edge): void => {
    target.route({
      method: 'POST',
      path: '/things/:kind',
      summary: 'Add a thing',
      scope: 'things:write',
      params: v.object({ kind: v.picklist(['a', 'b']) }),
      query: v.object({
        dry: v.optional(v.picklist(['yes', 'no']), 'no'),
        tag: v.optional(v.array(v.string())),
      }),
      body: Thing,
      responses: {
        201: { description: 'Added', schema: v.object({ echo: v.string(), size: v.number() }) },
        204: { description: 'Dry' },
      },
      bodyLimitBytes: 250,
      handler: ({ params, query, body, principal }) =>
        query.dry === 'yes'
          ? { status: 204 }
          : {
              status: 201,
              body: {
                echo: `${params.kind} ${body.name} ${principal.id} ${query.tag?.join('+') ?? ''}`,
                size: body.size,
              },
              headers: { location: '/things/1' },
            },
    });
  };

  test('valid input reaches the handler typed and with defaults', async () => {
    await start({}, things);
    const response = await post('/things/a?tag=x&tag=y', { name: 'n' });
    expect([
      response.status,
      response.headers.get('location'),
      response.headers.get('cache-control'),
    ]).toEqual([201, '/things/1', 'no-store']);
    await expect(response.json()).resolves.toEqual({ echo: 'a n writer x+y', size: 1 });
    const dry = await post('/things/b?dry=yes', { name: 'n' });
    expect([dry.status, await dry.text(), dry.headers.get('content-type')]).toEqual([204, '', null]);
  });

  test.each<[string, string, unknown, Record<string, string>, number, string, unknown]>([
    [
      'a wrong member',
      '/things/a',
      { name: 7 },
      {},
      422,
      'INPUT_INVALID',
      [{ pointer: '/name', detail: 'Expected string.' }],
    ],
    [
      'an author’s rule',
      '/things/a',
      { name: '' },
      {},
      422,
      'INPUT_INVALID',
      [{ pointer: '/name', detail: 'Expected a name.' }],
    ],
    [
      'a missing and an unknown member',
      '/things/a',
      { 'a/b~': 'hunter2' },
      {},
      422,
      'INPUT_INVALID',
      [
        { pointer: '/name', detail: 'Required.' },
        { pointer: '/a~1b~0', detail: 'This member is not known.' },
      ],
    ],
    [
      'a deep member',
      '/things/a',
      { name: 'n', labels: { x: 1 } },
      {},
      422,
      'INPUT_INVALID',
      [{ pointer: '/labels/x', detail: 'Expected string.' }],
    ],
    [
      'a text instead of an object',
      '/things/a',
      '"hunter2"',
      {},
      422,
      'INPUT_INVALID',
      [{ pointer: '', detail: 'Expected Object.' }],
    ],
    [
      'a wrong path parameter',
      '/things/z',
      { name: 'n' },
      {},
      400,
      'INPUT_INVALID',
      [{ pointer: 'kind', detail: 'Expected ("a" | "b").' }],
    ],
    [
      'a wrong query parameter',
      '/things/a?dry=perhaps',
      { name: 'n' },
      {},
      400,
      'INPUT_INVALID',
      [{ pointer: 'dry', detail: 'Expected ("yes" | "no").' }],
    ],
    ['broken JSON', '/things/a', '{"name":"hunter2', {}, 400, 'BODY_NOT_JSON', undefined],
    ['no body', '/things/a', '', {}, 400, 'BODY_NOT_JSON', undefined],
    [
      'another media type',
      '/things/a',
      'name=hunter2',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'BODY_NOT_JSON_TYPE',
      undefined,
    ],
    [
      'a body that nests too deep',
      '/things/a',
      '['.repeat(101) + ']'.repeat(101),
      {},
      400,
      'BODY_TOO_DEEP',
      undefined,
    ],
    [
      'a body of more parts than anything here has',
      '/things/a',
      `[${'1,'.repeat(111)}1]`,
      {},
      413,
      'BODY_TOO_LARGE',
      undefined,
    ],
    ['a body above the limit', '/things/a', { name: 'x'.repeat(300) }, {}, 413, 'BODY_TOO_LARGE', undefined],
    ['an unknown path', '/nothing', {}, {}, 404, 'NOT_FOUND', undefined],
  ])('%s', async (_, path, body, headers, status, code, errors) => {
    await start({ maxBodyParts: 110 }, things);
    const response = await post(path, body, headers);
    const text = await response.text();
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(text).not.toContain('hunter2');
    expect(JSON.parse(text)).toEqual({
      type: 'about:blank',
      title: expect.any(String),
      status,
      detail: expect.any(String),
      instance: path.split('?')[0],
      code,
      requestId: response.headers.get('x-request-id'),
      ...(errors === undefined ? {} : { errors }),
    });
    expect(response.status).toBe(status);
  });

  test('what stands in a text is no part of a body', async () => {
    await start({ maxBodyParts: 3 }, things);
    expect((await post('/things/a', { name: '{[,"\\",{[' })).status).toBe(201);
    expect((await post('/things/a', { name: 'n', size: 1, labels: {} })).status).toBe(413);
  });

  test('a body that grows beyond the limit without saying so beforehand is 413', async () => {
    await start({}, things);
    const chunks = Array.from({ length: 50 }, () => new TextEncoder().encode('x'.repeat(100)));
    const body = new ReadableStream({
      pull: (controller) => {
        const chunk = chunks.pop();
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
    });
    const response = await fetch(`${server.url}/things/a`, {
      method: 'POST',
      body,
      duplex: 'half',
      headers: { authorization: 'Bearer writer-key', 'content-type': 'application/json' },
    });
    expect(response.status).toBe(413);
    await expect(post('/things/a', { name: 'next' })).resolves.toMatchObject({ status: 201 });
  });

  test('another method on a known path is 405 with Allow', async () => {
    await start({}, (target) => {
      things(target);
      target.route({
        method: 'GET',
        path: '/things/:kind',
        summary: 'x',
        scope: null,
        responses: { 204: { description: 'x' } },
        handler: () => ({ status: 204 }),
      });
    });
    const response = await call('/things/a', { method: 'DELETE' });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
    expect((await call('/healthz', { method: 'POST' })).headers.get('allow')).toBe('GET, HEAD');
    await expect(call('/things/a', { method: 'HEAD' })).resolves.toMatchObject({ status: 204 });
  });

  test('a route declared twice, or with idempotency but without a store, is refused at start', async () => {
    await start({}, things);
    expect(() => things(edge)).toThrow(expect.objectContaining({ code: 'SERVICE_ROUTE_INVALID' }));
    const bare = createEdge({ name: 'svc', version: '0', logger });
    expect(() =>
      bare.route({
        method: 'POST',
        path: '/x',
        summary: 'x',
        scope: null,
        idempotency: 'optional',
        responses: { 204: { description: 'x' } },
        handler: () => ({ status: 204 }),
      }),
    ).toThrow(expect.objectContaining({ code: 'SERVICE_ROUTE_INVALID' }));
  });
});

test('a route whose body would lose names such as "constructor" is refused at start', async () => {
  const bare = createEdge({ name: 'svc', version: '0', logger });
  const declare = (labels: v.GenericSchema): void =>
    bare.route({
      method: 'POST',
      path: '/x',
      summary: 'x',
      scope: null,
      body: v.object({ labels }),
      responses: { 204: { description: 'x' } },
      handler: () => ({ status: 204 }),
    });
  expect(() => declare(v.record(v.string(), v.string()))).toThrow(
    expect.objectContaining({ code: 'SERVICE_ROUTE_INVALID' }),
  );
  expect(() => declare(dictionary(v.string(), v.string()))).not.toThrow();
});

describe('failures in handlers', () => {
  const failing = (error: unknown, options: Partial<EdgeOptions> = {}): Promise<void> =>
    start(options, (target) =>
      target.route({
        method: 'GET',
        path: '/fail',
        summary: 'x',
        scope: null,
        responses: { 204: { description: 'x' } },
        handler: async () => fails(error),
      }),
    );

  test('a problem is answered with what it says', async () => {
    await failing(
      problem(429, 'TOO_FAST', 'Slow down.', {
        retryAfterSeconds: 2.2,
        members: { limit: 5, status: 1 },
        headers: { 'x-extra': 'y' },
      }),
    );
    const response = await call('/fail');
    expect([response.status, response.headers.get('retry-after'), response.headers.get('x-extra')]).toEqual([
      429,
      '3',
      'y',
    ]);
    await expect(response.json()).resolves.toMatchObject({
      status: 429,
      title: 'Too Many Requests',
      code: 'TOO_FAST',
      detail: 'Slow down.',
      limit: 5,
    });
  });

  test('anything else is a bare 500, with the cause in the log under the request id', async () => {
    await failing(new TypeError('hunter2 is undefined'));
    const response = await call('/fail');
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(text).not.toMatch(/hunter2|TypeError|at /);
    expect(logged()).toContainEqual(
      expect.objectContaining({
        level: 'error',
        requestId: response.headers.get('x-request-id'),
        err: expect.objectContaining({ type: 'TypeError' }),
      }),
    );
  });

  test('an error that the classifier knows is 503 with Retry-After', async () => {
    await failing(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), {
      isUnavailable: (error) => (error as { code?: string }).code === 'ECONNREFUSED',
      retryAfterSeconds: 7,
    });
    const response = await call('/fail');
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '7']);
    await expect(response.json()).resolves.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('a thrown non-error is a 500 too', async () => {
    await failing('hunter2');
    const response = await call('/fail');
    expect([response.status, await response.text()]).toEqual([500, expect.not.stringContaining('hunter2')]);
  });

  test('a reply that breaks its schema is noticed where replies are checked', async () => {
    await start({}, (target) =>
      target.route({
        method: 'GET',
        path: '/x',
        summary: 'x',
        scope: null,
        responses: { 200: { description: 'x', schema: v.object({ n: v.pipe(v.number(), v.minValue(1)) }) } },
        handler: () => ({ status: 200, body: { n: 0 } }),
      }),
    );
    await expect(call('/x')).resolves.toMatchObject({ status: 500 });
  });
});

describe('keys and scopes', () => {
  beforeEach(() =>
    start({}, (target) =>
      target.route({
        method: 'GET',
        path: '/things',
        summary: 'x',
        scope: 'things:write',
        responses: { 200: { description: 'x', schema: v.string() } },
        handler: ({ principal }) => ({ status: 200, body: principal.id }),
      }),
    ),
  );

  test.each([
    ['no key', {}, 401, 'CREDENTIALS_REQUIRED', 'Bearer'],
    [
      'an unknown key',
      { authorization: 'Bearer nobody' },
      401,
      'CREDENTIALS_INVALID',
      'Bearer error="invalid_token"',
    ],
    [
      'another scheme',
      { authorization: 'Basic d3JpdGVyOmtleQ==' },
      401,
      'CREDENTIALS_INVALID',
      'Bearer error="invalid_token"',
    ],
    [
      'an empty key',
      { authorization: 'Bearer ' },
      401,
      'CREDENTIALS_INVALID',
      'Bearer error="invalid_token"',
    ],
    [
      'a key without the scope',
      { authorization: 'Bearer reader-key' },
      403,
      'SCOPE_MISSING',
      'Bearer error="insufficient_scope", scope="things:write"',
    ],
  ])('%s is refused', async (_, headers, status, code, challenge) => {
    const response = await call('/things', { headers });
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([status, challenge]);
    await expect(response.json()).resolves.toMatchObject({ code });
  });

  test.each([
    ['writer-key', 'writer'],
    ['root-key', 'root'],
  ])('%s may', async (key, id) => {
    const response = await call('/things', { key });
    await expect(response.json()).resolves.toBe(id);
    expect(logged()).toContainEqual(expect.objectContaining({ message: 'request', principal: id }));
  });

  test('keys may be given by hash, and a malformed hash is refused at start', async () => {
    const hash = '2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b'; // of "secret"
    const auth = createBearerAuth([{ id: 'hashed', sha256: hash, scopes: [] }]);
    await expect(auth.authenticate(new Headers({ authorization: 'bearer secret' }))).resolves.toMatchObject({
      kind: 'authenticated',
      principal: { id: 'hashed' },
    });
    expect(() => createBearerAuth([{ id: 'k', sha256: 'abc', scopes: [] }])).toThrow(
      /k is not 64 hex digits/,
    );
  });
});

describe('a caller that goes away', () => {
  test('aborts the signal of the handler', async () => {
    const seen: AbortSignal[] = [];
    await start({}, (target) =>
      target.route({
        method: 'GET',
        path: '/slow',
        summary: 'x',
        scope: null,
        responses: { 204: { description: 'x' } },
        handler: async ({ signal }) => {
          seen.push(signal);
          await clock.sleep(3_600_000, signal);
          return { status: 204 };
        },
      }),
    );
    const abort = new AbortController();
    const calling = call('/slow', { signal: abort.signal }).catch(() => 'gone');
    while (seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    abort.abort();
    await expect(calling).resolves.toBe('gone');
    while (clock.sleepers() > 0) await new Promise((resolve) => setTimeout(resolve, 2));
    expect([seen[0]?.aborted, clock.sleepers()]).toEqual([true, 0]);
  });

  test('in the middle of its body is no error of ours', async () => {
    await start({}, (target) =>
      target.route({
        method: 'POST',
        path: '/x',
        summary: 'x',
        scope: null,
        body: Thing,
        responses: { 204: { description: 'x' } },
        handler: () => ({ status: 204 }),
      }),
    );
    const request = httpRequest(`${server.url}/x`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': '100', expect: '100-continue' },
    });
    request.on('error', () => undefined);
    request.flushHeaders();
    // The server has read the head and waits for the body.
    await once(request, 'continue');
    await new Promise((resolve) => request.write('{"name":', resolve));
    request.destroy();
    while (lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(logged().map(({ level, status }) => [level, status])).toEqual([['info', 400]]);
  });
});

describe('request ids and access logs', () => {
  beforeEach(() =>
    start({}, (target) =>
      target.route({
        method: 'GET',
        path: '/things/:id',
        summary: 'x',
        scope: null,
        responses: { 204: { description: 'x' } },
        handler: () => ({ status: 204 }),
      }),
    ),
  );

  test.each([
    ['a sane id is kept', 'abc-123_DEF.4', 'abc-123_DEF.4'],
    ['a short one is replaced', 'abc', 'request-1'],
    ['one with odd characters is replaced', 'abc"><script>', 'request-1'],
    ['a huge one is replaced', 'x'.repeat(129), 'request-1'],
  ])('%s', async (_, given, expected) => {
    const response = await call('/things/1', { headers: { 'x-request-id': given } });
    expect(response.headers.get('x-request-id')).toBe(expected);
  });

  test('the log has template, status and duration, and never the query', async () => {
    await call('/things/1?token=hunter2');
    await call('/healthz');
    expect(logged()).toContainEqual(
      expect.objectContaining({
        level: 'info',
        message: 'request',
        method: 'GET',
        route: '/things/:id',
        path: '/things/1',
        status: 204,
        durationMs: 0,
        requestId: 'request-1',
      }),
    );
    expect(logged()).toContainEqual(expect.objectContaining({ level: 'debug', route: '/healthz' }));
    expect(lines.join('')).not.toContain('hunter2');
  });

  test.each(['/things', '/nothing'])(
    'a key that was pasted into %s is in no log, span or answer',
    async (path) => {
      const telemetry = startTelemetry({ serviceName: 'svc', version: '0', processMetrics: false });
      const startSpan = jest.spyOn(telemetry.tracer, 'startSpan');
      await start({ telemetry }, () => undefined);
      const secret = 'A-b_9'.repeat(10);
      const response = await call(`${path}/hgk_abcdefghij27_${secret}`);
      const shown = [await response.json(), startSpan.mock.calls.map(([, options]) => options), logged()]
        .map((each) => JSON.stringify(each))
        .join('');
      await telemetry.shutdown();
      expect(shown).not.toContain(secret);
      expect(shown.split(`${path}/hgk_abcdefghij27_***`)).toHaveLength(4);
    },
  );
});

test('a header line that is not HTTP does not reach the application', async () => {
  await start({}, () => undefined);
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const request = httpRequest(server.url, { headers: { 'x-big': 'x'.repeat(20_000) } }, (response) =>
      resolve(response.resume().statusCode),
    );
    request.on('error', reject).end();
  });
  expect(status).toBe(431);
});

test('an answer that nobody reads is not kept', async () => {
  edge = createEdge({ name: 'svc', version: '1.0.0', logger });
  edge.app.get('/large', (c) => c.body('x'.repeat(50_000_000)));
  server = await listen(edge, { port: 0, unreadTimeoutMs: 200 });
  const socket = connect(server.port, '127.0.0.1');
  socket.pause();
  socket.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n');
  await new Promise((resolve) => setTimeout(resolve, 1500));
  let received = 0;
  socket.on('data', (chunk: Buffer) => (received += chunk.length)).on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const late = new Promise((resolve) => setTimeout(resolve, 3000));
  socket.resume();
  await Promise.race([closed, late]);
  expect(received).toBeLessThan(50_000_000);
  socket.destroy();
});

test('an answer that is read too slowly is not kept', async () => {
  edge = createEdge({ name: 'svc', version: '1.0.0', logger });
  edge.app.get('/large', (c) => c.body('x'.repeat(50_000_000)));
  server = await listen(edge, { port: 0, unreadTimeoutMs: 300, leastReadBytesPerSecond: 500_000_000 });
  const socket = connect(server.port, '127.0.0.1');
  let received = 0;
  // A little every few milliseconds, so that it is never idle.
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
    socket.pause();
    setTimeout(() => socket.resume(), 20);
  });
  const closed = new Promise((resolve) => socket.once('close', resolve).on('error', resolve));
  socket.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n');
  await closed;
  expect(received).toBeLessThan(50_000_000);
});
