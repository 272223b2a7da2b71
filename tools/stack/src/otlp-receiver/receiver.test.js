import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from '@jest/globals';
import { otlpErrors } from './otlp-error.js';
import { createReceiver } from './receiver.js';

/** @type {(() => Promise<void>)[]} */
const closers = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** @param {Partial<Parameters<typeof createReceiver>[0]>} [options] */
async function startReceiver(options = {}) {
  /** @type {string[]} */
  const rows = [];
  const store = { store: async (/** @type {readonly string[]} */ added) => void rows.push(...added) };
  const receiver = createReceiver({ store, ...options });
  const { server } = receiver;
  closers.push(() => receiver.close());
  await new Promise((/** @type {(value: void) => void} */ resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  return {
    rows,
    url,
    /**
     * @param {string | Buffer} body
     * @param {{ path?: string, headers?: Record<string, string> }} [how]
     */
    post: async (body, { path = '/v1/traces', headers = {} } = {}) => {
      const response = await fetch(`${url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body,
      });
      return { status: response.status, body: await response.json(), headers: response.headers };
    },
  };
}

const ONE_SPAN = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'one' }] }] }] });

test.each([
  ['plain', ONE_SPAN, {}],
  ['with a charset', ONE_SPAN, { 'content-type': 'application/json; charset=utf-8' }],
  ['packed', gzipSync(ONE_SPAN), { 'content-encoding': 'gzip' }],
])('a request, %s, is answered with an empty object once it is stored', async (_, body, headers) => {
  const { post, rows } = await startReceiver();
  expect(await post(body, { headers })).toMatchObject({ status: 200, body: {} });
  expect(rows).toHaveLength(1);
});

test.each(['/v1/metrics', '/v1/logs'])('%s is taken and dropped', async (path) => {
  const { post, rows } = await startReceiver();
  expect(await post('{"resourceMetrics":[]}', { path })).toMatchObject({ status: 200, body: {} });
  expect(rows).toEqual([]);
});

test('it says that it is there', async () => {
  const { url } = await startReceiver();
  const response = await fetch(`${url}/healthz`);
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ status: 'ok' });
});

describe('a refusal has OTLP’s form', () => {
  /** @type {[string, string | Buffer, Record<string, string>, number, number, RegExp][]} */
  const refused = [
    ['no JSON', '{"resourceSpans":', {}, 400, 3, /^the body is not JSON$/],
    ['an empty body', '', {}, 400, 3, /^the body is not JSON$/],
    ['another form', '{"resourceSpans":1}', {}, 400, 3, /^resourceSpans must be an array$/],
    ['a false encoding', ONE_SPAN, { 'content-encoding': 'gzip' }, 400, 3, /is not gzip/],
    ['another encoding', ONE_SPAN, { 'content-encoding': 'zstd' }, 415, 3, /only gzip/],
    ['protobuf', 'x', { 'content-type': 'application/x-protobuf' }, 415, 3, /not protobuf: use .*JSON/],
    ['text', ONE_SPAN, { 'content-type': 'text/plain' }, 415, 3, /only application\/json/],
    ['a large body', `"${'x'.repeat(2000)}"`, {}, 413, 8, /^the body is larger than 1000 bytes/],
    [
      'a body that unpacks to much',
      gzipSync('x'.repeat(100_000)),
      { 'content-encoding': 'gzip' },
      413,
      8,
      /^the unpacked body is larger than 1000 bytes/,
    ],
  ];
  test.each(refused)('%s', async (_, body, headers, status, code, message) => {
    const { post, rows } = await startReceiver({ maxBodyBytes: 1000 });
    const refusal = await post(body, { headers });
    expect(refusal).toMatchObject({ status, body: { code, message: expect.stringMatching(message) } });
    expect(rows).toEqual([]);
    expect(await post(ONE_SPAN)).toMatchObject({ status: 200 });
  });

  test.each([
    ['GET', '/v1/traces', 405, 'POST'],
    ['POST', '/healthz', 405, 'GET'],
    ['POST', '/v2/traces', 404, null],
    ['POST', '//', 404, null],
  ])('%s %s is answered %i', async (method, path, status, allow) => {
    const { url } = await startReceiver();
    const response = await fetch(`${url}${path}`, { method });
    expect(response.status).toBe(status);
    expect(response.headers.get('allow')).toBe(allow);
    expect(await response.json()).toEqual({ code: expect.any(Number), message: expect.any(String) });
  });

  test('a store that is away', async () => {
    const store = { store: () => Promise.reject(otlpErrors.unavailable('away', undefined)) };
    const { post } = await startReceiver({ store });
    const refusal = await post(ONE_SPAN);
    expect(refusal).toMatchObject({ status: 503, body: { code: 14, message: 'away' } });
    expect(refusal.headers.get('retry-after')).toBe('1');
  });

  test('a fault of the receiver itself tells nothing', async () => {
    const store = { store: () => Promise.reject(new TypeError('secret')) };
    const { post } = await startReceiver({ store });
    expect(await post(ONE_SPAN)).toMatchObject({
      status: 500,
      body: { code: 13, message: 'the receiver failed' },
    });
  });
});

test('more bodies at a time than it may hold are refused for now, and what they held is free again', async () => {
  const { post } = await startReceiver({ maxHeldBytes: 50 });
  expect(await post(ONE_SPAN)).toMatchObject({ status: 503, body: { code: 14 } });
  expect(await post('{}')).toMatchObject({ status: 200 });
});
