import type { ServerResponse } from 'node:http';
import { startLoopbackServer, type LoopbackServer } from '@heliograph/simulators';
import { afterAll, afterEach, expect, test } from '@jest/globals';
import { createHttpPoster, classifyStatus, type HttpResponse } from './http-poster.ts';

const poster = createHttpPoster({ allowPrivateAddresses: true });
let provider: LoopbackServer | undefined;
afterEach(async () => provider?.close());
afterAll(() => poster.close());

async function postTo(answer: (response: ServerResponse) => void, timeoutMs = 5000): Promise<HttpResponse> {
  provider = await startLoopbackServer(answer);
  const result = await poster.post({ url: provider.url, headers: { 'x-one': '1' }, body: '{}', timeoutMs });
  if (result.kind === 'failed') throw new Error(`no response: ${JSON.stringify(result.outcome)}`);
  return result;
}

test('a response has a status, headers and a text', async () => {
  const answer = await postTo((response) =>
    response.writeHead(201, { 'retry-after': '7', 'x-many': ['a', 'b'] }).end('grüß Gott'),
  );
  expect(answer).toMatchObject({ kind: 'response', status: 201, text: 'grüß Gott', bodyError: null });
  expect(['retry-after', 'x-many', 'x-none'].map((name) => answer.header(name))).toEqual([
    '7',
    'a',
    undefined,
  ]);
  expect(provider?.requests[0]).toMatchObject({
    method: 'POST',
    headers: { 'x-one': '1', 'content-type': 'application/json', 'user-agent': 'heliograph' },
    body: '{}',
  });
});

test('what is left of a deadline may be a fraction of a millisecond', async () => {
  await expect(postTo((response) => response.end('ok'), 4999.9048)).resolves.toMatchObject({ status: 200 });
});

test.each([
  [64 * 1024, 64 * 1024],
  [64 * 1024 + 1, 0],
])('of a body of %d bytes, %d are returned', async (sent, handedOver) => {
  const { text, bodyError } = await postTo((response) => response.end('x'.repeat(sent)));
  expect([text.length, bodyError]).toEqual([handedOver, null]);
});

test('a response whose body is interrupted keeps its status and has a bodyError', async () => {
  const broken = await postTo((response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('x', () => response.socket?.destroy());
  });
  expect(broken).toMatchObject({
    status: 200,
    text: '',
    bodyError: { kind: 'uncertain', code: 'CONNECTION_LOST' },
  });
  await provider?.close();
  const hanging = await postTo((response) => void response.writeHead(200).write('x'), 300);
  expect(hanging).toMatchObject({ status: 200, bodyError: { kind: 'uncertain', code: 'TIMEOUT' } });
});

test.each<[number, Record<string, string>, unknown, number]>([
  [429, { 'retry-after': '7', 'x-ratelimit-reset': '1000000030' }, 2, 7000],
  [429, { 'x-ratelimit-reset': '1000000030' }, 2, 2000],
  [429, { 'x-ratelimit-reset': '1000000030' }, undefined, 30_000],
  [429, {}, undefined, 1000],
  [503, { 'retry-after': '7' }, undefined, 7000],
])(
  'a %d with headers %j and %j in its body is a rate limit of %d ms',
  (status, headers, bodySeconds, retryAfterMs) => {
    expect(
      classifyStatus({ status, header: (name) => headers[name] }, 1_000_000_000_000, bodySeconds),
    ).toEqual({ kind: 'rate-limited', retryAfterMs, status });
  },
);

test.each<[number, object]>([
  [199, { kind: 'rejected', retryable: false, code: 'HTTP_STATUS' }],
  [200, { kind: 'delivered', externalId: null }],
  [299, { kind: 'delivered', externalId: null }],
  [300, { kind: 'rejected', retryable: false, code: 'REDIRECT_REFUSED' }],
  [399, { kind: 'rejected', retryable: false, code: 'REDIRECT_REFUSED' }],
  [400, { kind: 'rejected', retryable: false, code: 'HTTP_STATUS' }],
  [401, { kind: 'rejected', retryable: false, code: 'UNAUTHORIZED' }],
  [403, { kind: 'rejected', retryable: false, code: 'UNAUTHORIZED' }],
  [408, { kind: 'rejected', retryable: true, code: 'HTTP_STATUS' }],
  [410, { kind: 'rejected', retryable: false, code: 'GONE' }],
  [425, { kind: 'rejected', retryable: true, code: 'HTTP_STATUS' }],
  [499, { kind: 'rejected', retryable: false, code: 'HTTP_STATUS' }],
  // Only a 503 says by Retry-After that it is a rate limit.
  [500, { kind: 'rejected', retryable: true, code: 'HTTP_STATUS' }],
  [502, { kind: 'rejected', retryable: true, code: 'HTTP_STATUS' }],
])('a %d with Retry-After is %j', (status, outcome) => {
  expect(classifyStatus({ status, header: () => '7' }, 0)).toEqual({ ...outcome, status });
});

test('a host name that begins or ends like an address is looked up', async () => {
  const strict = createHttpPoster({});
  const outcomes = ['http://10.0.0.1.invalid/', 'http://a.10.0.0.1.invalid/', 'http://10.0.0.1/'].map((url) =>
    strict.post({ url, headers: {}, body: '{}', timeoutMs: 5000 }),
  );
  await expect(Promise.all(outcomes)).resolves.toMatchObject([
    { outcome: { code: 'CONNECT_FAILED' } },
    { outcome: { code: 'CONNECT_FAILED' } },
    { outcome: { code: 'ADDRESS_NOT_ALLOWED' } },
  ]);
  await strict.close();
});
