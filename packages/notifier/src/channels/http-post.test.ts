import type { ServerResponse } from 'node:http';
import { startLoopbackServer, type LoopbackServer } from '@heliograph/simulators';
import { afterAll, afterEach, expect, test } from '@jest/globals';
import { createHttpPoster, outcomeOfStatus, type HttpAnswer } from './http-post.ts';

const poster = createHttpPoster({ allowPrivateAddresses: true });
let provider: LoopbackServer | undefined;
afterEach(async () => provider?.close());
afterAll(() => poster.close());

async function answerOf(answer: (response: ServerResponse) => void, timeoutMs = 5000): Promise<HttpAnswer> {
  provider = await startLoopbackServer(answer);
  const answered = await poster.post({ url: provider.url, headers: { 'x-one': '1' }, body: '{}', timeoutMs });
  if (answered.kind === 'failed') throw new Error(`no answer: ${JSON.stringify(answered.outcome)}`);
  return answered;
}

test('an answer is its status, its headers and its text', async () => {
  const answer = await answerOf((response) =>
    response.writeHead(201, { 'retry-after': '7', 'x-many': ['a', 'b'] }).end('grüß Gott'),
  );
  expect(answer).toMatchObject({ kind: 'answered', status: 201, text: 'grüß Gott', brokenOff: null });
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

test.each([
  [64 * 1024, 64 * 1024],
  [64 * 1024 + 1, 0],
])('of %d bytes of text, %d are handed over', async (sent, handedOver) => {
  const { text, brokenOff } = await answerOf((response) => response.end('x'.repeat(sent)));
  expect([text.length, brokenOff]).toEqual([handedOver, null]);
});

test('an answer that breaks off or hangs keeps its status and says so', async () => {
  const broken = await answerOf((response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('x', () => response.socket?.destroy());
  });
  expect(broken).toMatchObject({
    status: 200,
    text: '',
    brokenOff: { kind: 'uncertain', code: 'CONNECTION_LOST' },
  });
  await provider?.close();
  const hanging = await answerOf((response) => void response.writeHead(200).write('x'), 300);
  expect(hanging).toMatchObject({ status: 200, brokenOff: { kind: 'uncertain', code: 'TIMEOUT' } });
});

test.each<[number, Record<string, string>, unknown, number]>([
  [429, { 'retry-after': '7', 'x-ratelimit-reset': '1000000030' }, 2, 7000],
  [429, { 'x-ratelimit-reset': '1000000030' }, 2, 2000],
  [429, { 'x-ratelimit-reset': '1000000030' }, undefined, 30_000],
  [429, {}, undefined, 1000],
  [503, { 'retry-after': '7' }, undefined, 7000],
])('a %d with %j and %j in its body asks for %d ms', (status, headers, bodySeconds, retryAfterMs) => {
  expect(
    outcomeOfStatus({ status, header: (name) => headers[name] }, 1_000_000_000_000, bodySeconds),
  ).toEqual({ kind: 'rate-limited', retryAfterMs, status });
});
