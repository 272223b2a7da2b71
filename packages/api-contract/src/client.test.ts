import { startLoopbackServer, type LoopbackServer } from '@heliograph/simulators';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { ApiError } from './api-error.ts';
import { createClient } from './client.ts';
import { defineOperation } from './operation.ts';
import { pageOf, pageQuery } from './page.ts';

const thing = v.object({ id: v.string(), kind: v.picklist(['a', 'b']) });
const operations = {
  listThings: defineOperation({
    method: 'GET',
    path: '/things',
    summary: 'List things',
    scope: null,
    query: v.object({ ...pageQuery(), tag: v.optional(v.array(v.string()), []) }),
    responses: { 200: { description: 'A page.', schema: pageOf(thing) } },
  }),
  readThing: defineOperation({
    method: 'GET',
    path: '/things/:id',
    summary: 'Read a thing',
    scope: null,
    params: v.object({ id: v.string() }),
    responses: { 200: { description: 'It.', schema: thing } },
  }),
  createThing: defineOperation({
    method: 'POST',
    path: '/things',
    summary: 'Create a thing',
    scope: null,
    idempotency: 'optional',
    body: v.strictObject({ kind: v.picklist(['a', 'b']), size: v.optional(v.number(), 1) }),
    responses: { 201: { description: 'It.', schema: thing } },
    isRepeatable: (body) => typeof body === 'object' && body !== null && 'size' in body,
  }),
  removeThing: defineOperation({
    method: 'DELETE',
    path: '/things/:id',
    summary: 'Remove a thing',
    scope: null,
    params: v.object({ id: v.string() }),
    ifMatch: true,
    responses: { 204: { description: 'Removed.' } },
  }),
};

interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}
let replies: (Reply | 'silence' | 'cut')[] = [];
let received: { line: string; headers: NodeJS.Dict<string | string[]>; body: string }[] = [];
let server: LoopbackServer;
let url = '';
beforeAll(async () => {
  server = await startLoopbackServer((response, { method, path, headers, body }) => {
    received.push({ line: `${method} ${path}`, headers, body });
    const reply = replies.length > 1 ? replies.shift() : replies[0];
    if (reply === 'silence' || reply === undefined) return;
    if (reply === 'cut') return void response.socket?.destroy();
    response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
    response.end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body));
  });
  url = server.url;
});
afterAll(() => server.close());
const clientFor = (...next: (Reply | 'silence' | 'cut')[]) => {
  replies = next;
  received = [];
  return createClient(operations, { url, apiKey: 'a-key', timeoutMs: 2000, retryDelayMs: 1 });
};
const THING = { id: 't1', kind: 'a' };
const failureOf = async (run: Promise<unknown>): Promise<ApiError> => {
  const error: unknown = await run.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ApiError)) throw new Error('it did not fail with an ApiError', { cause: error });
  return error;
};

describe('a request', () => {
  test('carries parameters, numbers and lists of the query, and the key', async () => {
    const client = clientFor({ status: 200, body: { items: [THING], nextCursor: null } });
    const { body } = await client.listThings({ query: { limit: 3, cursor: undefined, tag: ['x', 'y z'] } });
    expect(body.items).toEqual([THING]);
    await client.listThings();
    expect(received.map(({ line }) => line)).toEqual(['GET /things?limit=3&tag=x&tag=y+z', 'GET /things']);
    expect(received[0]?.headers).toMatchObject({ authorization: 'Bearer a-key', accept: 'application/json' });
  });

  test('carries body, idempotency key and If-Match; a path parameter cannot leave its place', async () => {
    const client = clientFor({
      status: 201,
      body: THING,
      headers: { etag: '"v1"', 'x-request-id': 'req-1' },
    });
    await expect(client.createThing({ body: { kind: 'b' }, idempotencyKey: 'k1' })).resolves.toEqual({
      status: 201,
      body: THING,
      text: JSON.stringify(THING),
      etag: '"v1"',
      requestId: 'req-1',
      attempts: 1,
    });
    expect(received).toMatchObject([
      { body: '{"kind":"b"}', headers: { 'idempotency-key': 'k1', 'content-type': 'application/json' } },
    ]);
    replies = [{ status: 204 }];
    await expect(client.removeThing({ params: { id: '../a?b' }, ifMatch: '"v1"' })).resolves.toMatchObject({
      status: 204,
      body: undefined,
    });
    expect(received[1]).toMatchObject({ line: 'DELETE /things/..%2Fa%3Fb', headers: { 'if-match': '"v1"' } });
  });

  test('goes below the path of the address, and through the given fetch', async () => {
    const client = createClient(operations, {
      url: 'https://example.com/base/',
      fetch: (input, init) => {
        const headers = new Headers(init?.headers);
        return Promise.resolve(
          Response.json({ id: new Request(input).url, kind: headers.get('authorization') ?? 'none' }),
        );
      },
    });
    await expect(client.readThing({ params: { id: 'a' } })).resolves.toMatchObject({
      body: { id: 'https://example.com/base/things/a', kind: 'none' },
    });
  });

  test('has the type of its operation', () => {
    const client = clientFor();
    const never = () => [
      // @ts-expect-error -- the id is missing
      client.readThing(),
      // @ts-expect-error -- a closed list for the sender
      client.createThing({ body: { kind: 'c' } }),
      // @ts-expect-error -- it honours no If-Match
      client.readThing({ params: { id: 'a' }, ifMatch: '*' }),
    ];
    expect(never).toBeInstanceOf(Function);
  });
});

describe('an answer', () => {
  test('may have members and reasons that are newer than the client', async () => {
    const newer = { id: 't1', kind: 'z', colour: 'red' };
    const { body } = await clientFor({ status: 200, body: newer }).readThing({ params: { id: 't1' } });
    expect(body).toEqual(newer);
  });

  test.each<[string, unknown]>([
    ['HTML', '<html>'],
    ['another object', { hello: 'world' }],
  ])('of %s is no answer', async (_, body) => {
    const error = await failureOf(clientFor({ status: 200, body }).readThing({ params: { id: 'a' } }));
    expect(error).toMatchObject({ code: 'API_ANSWER_INVALID', status: 200, retryable: false });
    expect(received).toHaveLength(1);
  });

  test('with problem details is an error that carries them', async () => {
    const problem = {
      code: 'THING_BROKEN',
      detail: 'Thing t1 is broken.',
      requestId: 'req-7',
      errors: [{ pointer: '/kind', detail: 'Expected a.' }],
    };
    const error = await failureOf(
      clientFor({ status: 422, body: { ...problem, position: 4 } }).readThing({ params: { id: 'a' } }),
    );
    expect(error).toMatchObject({ ...problem, status: 422, retryable: false, problem: { position: 4 } });
    expect(error.message).toBe('GET /things/:id was answered with 422 THING_BROKEN: Thing t1 is broken.');
  });

  test.each<[number, string]>([
    [302, ''],
    [404, '<html>'],
    [400, '{"code":7}'],
  ])('%d with %j, which is no problem, fails with API_FAILED', async (status, body) => {
    const reply = { status, body, headers: { location: '/things', 'x-request-id': 'req-8' } };
    const error = await failureOf(clientFor(reply).readThing({ params: { id: 'a' } }));
    expect(error).toMatchObject({ code: 'API_FAILED', status, requestId: 'req-8' });
    expect(received).toHaveLength(1);
  });
});

describe('a repetition', () => {
  const fine: Reply = { status: 200, body: THING };
  const away: Reply = { status: 503, body: { code: 'UNAVAILABLE' } };

  test.each<[string, Reply | 'cut']>([
    ['503', away],
    ['429', { status: 429, body: {} }],
    ['no answer', 'cut'],
  ])('follows %s to a GET', async (_, reply) => {
    const answer = await clientFor(reply, reply, fine).readThing({ params: { id: 'a' } });
    expect(answer).toMatchObject({ status: 200, attempts: 3 });
  });

  test('ends after maxAttempts, and with an error that is of no use to repeat', async () => {
    await expect(failureOf(clientFor(away).readThing({ params: { id: 'a' } }))).resolves.toMatchObject({
      status: 503,
    });
    expect(received).toHaveLength(3);
    const error = await failureOf(
      clientFor(away, { status: 404, body: {} }).readThing({ params: { id: 'a' } }),
    );
    expect([error.status, received.length]).toEqual([404, 2]);
  });

  test('follows only what may be sent twice', async () => {
    await failureOf(clientFor(away).createThing({ body: { kind: 'a' }, idempotencyKey: 'k' }));
    expect(received).toHaveLength(1);
    await failureOf(clientFor(away).removeThing({ params: { id: 'a' } }));
    expect(received).toHaveLength(1);
    await failureOf(clientFor(away).createThing({ body: { kind: 'a', size: 2 } }));
    expect(received).toHaveLength(3);
  });

  test('waits as long as Retry-After says, and not if that is too long', async () => {
    const startedAt = performance.now();
    await clientFor({ ...away, headers: { 'retry-after': '1' } }, fine).readThing({ params: { id: 'a' } });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(990);
    const slow = { ...away, headers: { 'retry-after': '60' } };
    const error = await failureOf(clientFor(slow, fine).readThing({ params: { id: 'a' } }));
    expect([error.retryAfterMs, received.length]).toEqual([60_000, 1]);
  });
});

describe('without an answer', () => {
  test('in time the code is API_TIMEOUT', async () => {
    replies = ['silence'];
    const client = createClient(operations, { url, timeoutMs: 50, maxAttempts: 1 });
    const error = await failureOf(client.readThing({ params: { id: 'a' } }));
    expect(error).toMatchObject({ code: 'API_TIMEOUT', status: null, retryable: true });
    expect(error.message).toBe(`GET /things/:id: ${url} did not answer within 0.05 s`);
  });

  test('at all it is API_UNREACHABLE, and the message has no key', async () => {
    const error = await failureOf(
      createClient(operations, { url: 'http://127.0.0.1:1', apiKey: 'a-key', maxAttempts: 1 }).listThings(),
    );
    expect(error).toMatchObject({ code: 'API_UNREACHABLE', retryable: true });
    expect(error.message).not.toContain('a-key');
  });

  test.each(['silence', 'cut'] as const)('%s ends with the reason of an aborted signal', async (reply) => {
    const client = createClient(operations, { url, timeoutMs: 5000, retryDelayMs: 5000 });
    replies = [reply];
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('enough')), 50);
    await expect(client.listThings({ signal: controller.signal })).rejects.toThrow('enough');
  });
});
