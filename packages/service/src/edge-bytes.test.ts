import { createConnection, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { createBearerAuth } from './bearer-auth.ts';
import { createEdge } from './edge.ts';
import { type HttpServer, listen } from './listen.ts';
import { createLogger } from './log.ts';
import { startTelemetry, type Telemetry } from './telemetry.ts';

const KEYS = { ada: 'key-of-ada-in-tests', eve: 'key-of-eve-in-tests' };
const MIB = 1_048_576;

let telemetry: Telemetry;
let server: HttpServer;
let sockets: Socket[];
beforeEach(async () => {
  telemetry = startTelemetry({ serviceName: 'test', version: '1' });
  sockets = [];
  const edge = createEdge({
    name: 'test',
    version: '1',
    logger: createLogger({ name: 'test', destination: { write: () => undefined } }),
    telemetry,
    auth: createBearerAuth(Object.entries(KEYS).map(([id, secret]) => ({ id, secret, scopes: ['x'] }))),
    bodyLimitBytes: 8 * MIB,
    bytesInFlight: { totalBytes: 40 * MIB, callerBytes: 25 * MIB },
  });
  edge.route({
    method: 'POST',
    path: '/repeat',
    summary: 'x',
    scope: 'x',
    query: v.object({ take: v.optional(v.pipe(v.string(), v.toNumber()), '0') }),
    body: v.object({ text: v.string() }),
    responses: { 200: { description: 'x', schema: v.string() } },
    handler: ({ body, query, hold }) => {
      hold.take(query.take);
      return { status: 200, body: body.text };
    },
  });
  edge.route({
    method: 'GET',
    path: '/page',
    summary: 'x',
    scope: 'x',
    responses: { 200: { description: 'x', schema: v.string() } },
    handler: () => ({ status: 200, body: 'x'.repeat(11 * MIB) }),
  });
  edge.route({
    method: 'GET',
    path: '/foreign',
    summary: 'x',
    scope: 'x',
    responses: { 200: { description: 'x', schema: v.string() } },
    handler: () => ({ status: 200, body: '語'.repeat(4 * MIB) }),
  });
  server = await listen(edge, { port: 0 });
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await server.stop(0);
  await telemetry.shutdown();
});

const heldBytes = async (): Promise<number> =>
  Number(/^http_server_bytes_in_flight\S* (\d+)/m.exec(await telemetry.prometheusText())?.[1]);
const becomes = async (bytes: number): Promise<void> => {
  while ((await heldBytes()) !== bytes) await new Promise((resolve) => setTimeout(resolve, 10));
};

async function post(key: string, text: string, { path = '/repeat', gzip = false } = {}) {
  const json = JSON.stringify({ text });
  const response = await fetch(server.url + path, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      ...(gzip ? { 'content-encoding': 'gzip' } : {}),
    },
    body: gzip ? gzipSync(json) : json,
  });
  const body: unknown = await response.json();
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body };
}

/** Sends a request by hand, whose answer nobody reads. */
function sendRaw(key: string, json: string, length = json.length): Socket {
  const socket = createConnection(server.port, '127.0.0.1');
  sockets.push(socket);
  socket.pause();
  socket.on('error', () => undefined);
  socket.write(
    `POST /repeat HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\n` +
      `content-type: application/json\r\ncontent-length: ${length}\r\n\r\n${json}`,
  );
  return socket;
}

test('bytes of bodies that are still arriving count, and are free when their connections are gone', async () => {
  const stalled = Array.from({ length: 3 }, () => sendRaw(KEYS.ada, 'x'.repeat(7 * MIB), 8 * MIB));
  await becomes(21 * MIB);
  await expect(post(KEYS.ada, 'x'.repeat(5 * MIB))).resolves.toMatchObject({
    status: 429,
    retryAfter: '1',
    body: { code: 'BYTES_LIMITED' },
  });
  await expect(post(KEYS.eve, 'short')).resolves.toMatchObject({ status: 200, body: 'short' });
  stalled.push(...Array.from({ length: 2 }, () => sendRaw(KEYS.eve, 'x'.repeat(7 * MIB), 8 * MIB)));
  await becomes(35 * MIB);
  await expect(post(KEYS.eve, 'x'.repeat(6 * MIB))).resolves.toMatchObject({
    status: 503,
    retryAfter: '1',
    body: { code: 'OVERLOADED' },
  });
  for (const socket of stalled) socket.destroy();
  await becomes(0);
  await expect(post(KEYS.eve, 'x'.repeat(6 * MIB))).resolves.toMatchObject({ status: 200 });
  await becomes(0);
});

test('an answer that nobody reads counts until its connection is closed', async () => {
  const json = JSON.stringify({ text: 'x'.repeat(7 * MIB) });
  const socket = sendRaw(KEYS.ada, json);
  await becomes(2 * json.length);
  await expect(post(KEYS.ada, 'x'.repeat(6 * MIB))).resolves.toMatchObject({ status: 429 });
  socket.destroy();
  await becomes(0);
});

test('answers that nobody reads refuse their caller the next ones, and nobody else', async () => {
  const socket = createConnection(server.port, '127.0.0.1');
  sockets.push(socket);
  socket.pause();
  socket.on('error', () => undefined);
  // Together, so that none of them has been answered when they are admitted.
  socket.write(`GET /page HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEYS.ada}\r\n\r\n`.repeat(30));
  await becomes(22 * MIB + 4);
  const stalled = sendRaw(KEYS.ada, 'x'.repeat(3 * MIB - 4), 4 * MIB);
  await becomes(25 * MIB);
  const page = await fetch(`${server.url}/page`, { headers: { authorization: `Bearer ${KEYS.ada}` } });
  expect([page.status, page.headers.get('retry-after'), await page.json()]).toMatchObject([
    429,
    '1',
    { code: 'BYTES_LIMITED' },
  ]);
  await expect(post(KEYS.eve, 'x'.repeat(4 * MIB))).resolves.toMatchObject({ status: 200 });
  stalled.destroy();
  socket.destroy();
  await becomes(0);
});

test('an answer is counted as the memory that its characters take', async () => {
  const socket = createConnection(server.port, '127.0.0.1');
  sockets.push(socket.pause());
  socket.on('error', () => undefined);
  socket.write(`GET /foreign HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEYS.ada}\r\n\r\n`);
  // Two bytes each as text, and three as they are sent.
  await becomes(5 * 4 * MIB + 6);
  await expect(post(KEYS.ada, 'x'.repeat(6 * MIB))).resolves.toMatchObject({ status: 429 });
});

test('a body that inflates is counted as the most that it may be, and then as what it is', async () => {
  const path = `/repeat?take=${17 * MIB}`;
  const large = 'x'.repeat(8 * MIB - 100);
  await expect(post(KEYS.ada, 'x', { gzip: true, path })).resolves.toMatchObject({ status: 200 });
  for (const size of [7, 7, 4]) sendRaw(KEYS.ada, 'x'.repeat(size * MIB), 8 * MIB);
  await becomes(18 * MIB);
  await expect(post(KEYS.ada, large, { gzip: true })).resolves.toMatchObject({ status: 429 });
});

test('small bodies that inflate are counted as the little that they may be', async () => {
  for (const size of [7, 7, 7]) sendRaw(KEYS.ada, 'x'.repeat(size * MIB), 8 * MIB);
  await becomes(21 * MIB);
  const posted = Array.from({ length: 50 }, () => post(KEYS.ada, 'x', { gzip: true }));
  const statuses = (await Promise.all(posted)).map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set([200]));
});

test('what a handler holds counts as well', async () => {
  const path = `/repeat?take=${26 * MIB}`;
  await expect(post(KEYS.ada, 'x', { path })).resolves.toMatchObject({ status: 429 });
  await becomes(0);
});
