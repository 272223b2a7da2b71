import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { type Edge, createEdge } from './edge.ts';
import { type HttpServer, listen, receptionLimits } from './listen.ts';
import { createLogger } from './log.ts';

let server: HttpServer;
let edge: Edge;

beforeAll(async () => {
  const logger = createLogger({ name: 'svc', level: 'fatal', destination: { write: () => undefined } });
  edge = createEdge({ name: 'svc', version: '1.0.0', logger });
  edge.route({
    method: 'POST',
    path: '/things',
    summary: 'x',
    scope: null,
    body: v.strictObject({ name: v.string() }),
    bodyLimitBytes: 1000,
    responses: { 200: { description: 'x', schema: v.object({ length: v.number() }) } },
    handler: ({ body }) => ({ status: 200, body: { length: body.name.length } }),
  });
  server = await listen(edge, { port: 0, requestTimeoutMs: 400 });
});
afterAll(() => server.stop(0));

/** Sends bytes as they are and reads until the server closes the connection. */
async function exchange(...parts: readonly (string | number)[]): Promise<{
  readonly status: number;
  readonly head: string;
  readonly body: string;
}> {
  const socket = connect(server.port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  for (const part of parts) socket.write(typeof part === 'string' ? part : 'x'.repeat(part));
  await closed;
  const [head = '', ...rest] = Buffer.concat(chunks).toString('utf8').split('\r\n\r\n');
  return {
    status: Number(head.split(' ')[1]),
    head: head.toLowerCase(),
    body: rest.join('\r\n\r\n'),
  };
}

describe('what never reaches a route is a problem as well', () => {
  const HOST = 'host: x\r\n';
  test.each<[string, readonly (string | number)[], number, string]>([
    ['no HTTP', ['nonsense\r\n\r\n'], 400, 'REQUEST_MALFORMED'],
    ['a header that is none', [`GET / HTTP/1.1\r\n${HOST}a b: c\r\n\r\n`], 400, 'REQUEST_MALFORMED'],
    ['no Host', ['GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n'], 400, 'REQUEST_MALFORMED'],
    [
      'an invalid Host',
      ['GET /healthz HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n'],
      400,
      'REQUEST_MALFORMED',
    ],
    ['large headers', [`GET / HTTP/1.1\r\n${HOST}a: `, 40_000, '\r\n\r\n'], 431, 'HEADERS_TOO_LARGE'],
    [
      'an expectation',
      [`GET /healthz?key=secret HTTP/1.1\r\n${HOST}expect: tea\r\nconnection: close\r\n\r\n`],
      417,
      'EXPECTATION_UNKNOWN',
    ],
    ['headers that do not end', [`GET / HTTP/1.1\r\n${HOST}`], 408, 'REQUEST_TIMEOUT'],
  ])('%s', async (_, parts, status, code) => {
    const answer = await exchange(...parts);
    expect(answer.status).toBe(status);
    expect(answer.head).toContain('content-type: application/problem+json');
    const body: unknown = JSON.parse(answer.body);
    expect(body).toEqual({
      type: 'about:blank',
      title: expect.any(String),
      status,
      detail: expect.any(String),
      instance: expect.stringMatching(/^\/[a-z]*$/),
      code,
      requestId: expect.any(String),
    });
    expect(answer.head).toContain(`x-request-id: ${String(Reflect.get(Object(body), 'requestId'))}`);
  });

  test('a request that does not arrive whole is ended', async () => {
    const head =
      'POST /things HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n';
    const answer = await exchange(head, '{"name":');
    expect([400, 408]).toContain(answer.status);
    expect(answer.head).toContain('application/problem+json');
  });
});

test.each([100, 400, 5000, 30_000, 600_000])('late requests of %i ms are looked for in time', (timeoutMs) => {
  const { requestTimeout, headersTimeout, connectionsCheckingInterval } = receptionLimits(timeoutMs);
  expect([requestTimeout, headersTimeout]).toEqual([timeoutMs, Math.min(timeoutMs, 10_000)]);
  expect(connectionsCheckingInterval).toBeLessThanOrEqual(Math.min(1000, timeoutMs / 2));
});

describe('a compressed body', () => {
  const post = (body: Uint8Array<ArrayBuffer> | string, encoding: string): Promise<Response> =>
    fetch(`${server.url}/things`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', 'content-encoding': encoding },
    });
  const zipped = (name: string) => new Uint8Array(gzipSync(JSON.stringify({ name })));

  test.each(['gzip', 'GZIP', 'x-gzip'])('of %s is read', async (encoding) => {
    const response = await post(zipped('four'), encoding);
    await expect(response.json()).resolves.toEqual({ length: 4 });
  });

  test('may not inflate beyond the limit', async () => {
    const bomb = zipped('x'.repeat(500_000));
    expect(bomb.byteLength).toBeLessThan(1000);
    const response = await post(bomb, 'gzip');
    expect(response.status).toBe(413);
    await expect(response.json()).resolves.toMatchObject({ code: 'BODY_TOO_LARGE' });
  });

  test.each<[string, Uint8Array<ArrayBuffer> | string, string, number, string]>([
    ['that is no gzip', '{"name":"x"}', 'gzip', 400, 'BODY_ENCODING_INVALID'],
    ['that is truncated', zipped('four').slice(0, 12), 'gzip', 400, 'BODY_ENCODING_INVALID'],
    ['of another kind', '{"name":"x"}', 'br', 415, 'BODY_ENCODING_UNKNOWN'],
    ['twice', zipped('x'), 'gzip, gzip', 415, 'BODY_ENCODING_UNKNOWN'],
  ])('%s is refused', async (_, body, encoding, status, code) => {
    const response = await post(body, encoding);
    expect(response.status).toBe(status);
    expect(response.headers.get('accept-encoding')).toBe(status === 415 ? 'gzip, identity' : null);
    await expect(response.json()).resolves.toMatchObject({ code });
  });
});
