import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { createBearerAuth } from './bearer-auth.ts';
import { createEdge } from './edge.ts';
import { type HttpServer, listen } from './listen.ts';
import { createLogger } from './log.ts';
import type { EarlyRefusal } from './refuse-early.ts';

const PAGE = 'https://temporal.example.com';
const ORIGIN = `origin: ${PAGE}\r\n`;

let server: HttpServer;
let answered: (readonly [path: string, subject: string | null, code: string | undefined])[];
let refused: EarlyRefusal[];
beforeEach(async () => {
  answered = [];
  refused = [];
  const edge = createEdge({
    name: 'svc',
    version: '1',
    logger: createLogger({ name: 'svc', level: 'fatal', destination: { write: () => undefined } }),
    auth: createBearerAuth([{ id: 'ada', secret: 'key-of-ada-in-tests', scopes: ['x'] }]),
    cors: { origins: [PAGE, 'https://other.example.com'], headers: ['content-type'] },
    bodyTimeoutMs: 200,
    beforeAnswer: async ({ path, principal, problem }) =>
      void answered.push([path, principal?.id ?? null, problem?.code]),
    onEarlyRefusal: (refusal) => void refused.push(refusal),
  });
  edge.route({
    method: 'POST',
    path: '/decode',
    acceptsPrefix: true,
    summary: 'x',
    scope: 'x',
    body: v.unknown(),
    responses: { 200: { description: 'x', schema: v.string() } },
    handler: () => ({ status: 200, body: 'decoded' }),
  });
  server = await listen(edge, { port: 0, requestTimeoutMs: 1000 });
});
afterEach(() => server.stop(0));

/** Sends bytes as they are, and reads until the server closes the connection. */
async function exchange(text: string) {
  const socket = connect(server.port, '127.0.0.1');
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString())).on('error', () => undefined);
  if (text !== '') socket.write(text);
  await new Promise((resolve) => socket.on('close', resolve));
  const [head = '', body = ''] = received.split('\r\n\r\n');
  const origin = /access-control-allow-origin: (\S+)/i.exec(head)?.[1];
  const code: unknown = body === '' ? undefined : Reflect.get(Object(JSON.parse(body)), 'code');
  return { status: Number(head.split(' ')[1]), origin, vary: /vary: (\S+)/i.exec(head)?.[1], code };
}
const head = (more = ''): string =>
  `POST /ns/decode HTTP/1.1\r\nhost: x\r\nauthorization: Bearer key-of-ada-in-tests\r\n${ORIGIN}` +
  `content-type: application/json\r\n${more}`;

test('headers that are too large, such as two tokens, are refused where a page can read it', async () => {
  const answer = await exchange(
    `${head(`authorization-extras: ${'x'.repeat(20_000)}\r\n`)}content-length: 2\r\n\r\n{}`,
  );
  expect(answer).toMatchObject({ status: 431, origin: PAGE, code: 'HEADERS_TOO_LARGE' });
  expect(answered).toEqual([['/decode', null, 'HEADERS_TOO_LARGE']]);
  expect(refused).toEqual([]);
});

test('a body that stops arriving is refused where a page can read it', async () => {
  const answer = await exchange(`${head()}content-length: 9\r\n\r\n{"a"`);
  expect(answer).toMatchObject({ status: 408, origin: PAGE, code: 'REQUEST_TIMEOUT' });
  expect(answered).toEqual([['/decode', 'ada', 'REQUEST_TIMEOUT']]);
  expect(refused).toEqual([]);
});

test.each([
  ['an expectation', head('expect: tea\r\nconnection: close\r\n\r\n'), 417, 'EXPECTATION_UNKNOWN'],
  ['a header that is none', head('a b: c\r\n\r\n'), 400, 'REQUEST_MALFORMED'],
])('%s: a page can read it, and it is reported', async (_, text, status, code) => {
  const answer = await exchange(text);
  expect(answer).toMatchObject({ status, origin: PAGE, vary: 'Origin', code });
  expect(refused).toEqual([{ requestId: expect.any(String), status, code }]);
  expect(answered).toEqual([]);
});

test('headers beyond what is read are reported; what Node still has of them may not name the page', async () => {
  const answer = await exchange(head(`a: ${'x'.repeat(70_000)}\r\n\r\n`));
  expect(answer).toMatchObject({ status: 431, vary: 'Origin', code: 'HEADERS_TOO_LARGE' });
  expect(refused).toMatchObject([{ status: 431, code: 'HEADERS_TOO_LARGE' }]);
});

test('a page of another origin gets no header', async () => {
  const text = head('expect: tea\r\nconnection: close\r\n\r\n').replace(PAGE, 'https://evil.example.com');
  expect(await exchange(text)).toMatchObject({ status: 417, origin: undefined });
});

test('a target that is none, and headers that do not end, are reported; a connection without a byte is not', async () => {
  await exchange('GET /decode HTTP/1.1\r\nconnection: close\r\n\r\n');
  await exchange('POST /decode HTTP/1.1\r\nhost: x\r\n');
  await exchange('');
  expect(refused.map(({ code }) => code)).toEqual(['REQUEST_MALFORMED', 'REQUEST_TIMEOUT']);
});
