import { createServer } from 'node:http';
import { afterEach, expect, test } from '@jest/globals';
import { SpanStore } from './span-store.js';

/** @type {(() => void)[]} */
const closers = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/**
 * A server that answers inserts as it is told, and everything else well.
 * @param {(rows: string, attempt: number) => number | Promise<number>} statusOf
 * @param {string} [code] of an error
 */
async function startServer(statusOf, code = '27') {
  /** @type {string[]} */
  const inserts = [];
  /** @type {string[]} */
  const others = [];
  const server = createServer((request, response) => {
    const chunks = /** @type {Buffer[]} */ ([]);
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const isInsert = new URL(request.url ?? '', 'http://x').searchParams.has('query');
      (isInsert ? inserts : others).push(body);
      void (async () => {
        const status = isInsert ? await statusOf(body, inserts.length) : 200;
        response.writeHead(status, status === 200 ? {} : { 'x-clickhouse-exception-code': code });
        response.end();
      })();
    });
  });
  await new Promise((/** @type {(value: void) => void} */ resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { url: `http://default:secret@127.0.0.1:${port}`, inserts, others };
}

test('what arrives during an insert goes into the next one together', async () => {
  const { url, inserts, others } = await startServer(() => 200);
  const store = new SpanStore({ url, database: 'd' });
  await Promise.all([
    store.store(['a\n']),
    store.store(['b\n', 'c\n']),
    store.store(['d\n']),
    store.store([]),
  ]);
  expect(inserts).toEqual(['a\n', 'b\nc\nd\n']);
  expect(others).toHaveLength(4);
});

test('a batch is bounded, but one request is never split', async () => {
  const { url, inserts } = await startServer(() => 200);
  const store = new SpanStore({ url, database: 'd', maxBatchBytes: 5 });
  await Promise.all(['1\n', '2\n', '3\n', 'long\nlong\n', '4\n'].map((row) => store.store([row])));
  expect(inserts).toEqual(['1\n', '2\n3\n', 'long\nlong\n', '4\n']);
});

test('one sender’s refused rows are not another’s loss', async () => {
  const { url, inserts } = await startServer((rows) => (rows.includes('bad') ? 400 : 200));
  const store = new SpanStore({ url, database: 'd' });
  const outcomes = await Promise.allSettled(['a\n', 'b\n', 'bad\n', 'c\n'].map((row) => store.store([row])));
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  expect(outcomes[2]).toMatchObject({ reason: { status: 500, code: 13, retryable: false } });
  expect(inserts.slice(2)).toEqual(['b\n', 'bad\n', 'c\n']);
});

test('a ClickHouse in trouble gives everybody who waits a retryable refusal, and is asked again later', async () => {
  const { url, inserts } = await startServer((_, attempt) => (attempt === 1 ? 500 : 200), '241');
  /** @type {string[]} */
  const lines = [];
  const store = new SpanStore({ url, database: 'd', print: (line) => lines.push(line) });
  const outcomes = await Promise.allSettled(['a\n', 'b\n'].map((row) => store.store([row])));
  for (const outcome of outcomes)
    expect(outcome).toMatchObject({
      reason: {
        status: 503,
        code: 14,
        retryable: true,
        headers: { 'retry-after': '1' },
        message: 'ClickHouse answers with status 500, code 241',
      },
    });
  await store.store(['a\n']);
  expect(inserts).toEqual(['a\n', 'a\n']);
  expect(lines).toEqual([
    'spans cannot be stored: ClickHouse answers with status 500, code 241',
    'spans are stored again',
  ]);
});

test('a dropped table is created again', async () => {
  const { url, inserts, others } = await startServer((_, attempt) => (attempt === 2 ? 404 : 200), '60');
  const store = new SpanStore({ url, database: 'd' });
  await store.store(['a\n']);
  await store.store(['b\n']);
  expect(inserts).toEqual(['a\n', 'b\n', 'b\n']);
  expect(others).toHaveLength(8);
});

test('a ClickHouse that does not answer holds a bounded amount, for a bounded time', async () => {
  const { url } = await startServer(() => new Promise(() => {}));
  const store = new SpanStore({ url, database: 'd', maxWaitingBytes: 10, timeoutMs: 300 });
  const waiting = [store.store(['123456\n']), store.store(['1\n'])];
  const outcomes = Promise.allSettled(waiting);
  await expect(store.store(['12\n'])).rejects.toMatchObject({
    status: 503,
    message: 'too many spans are waiting for ClickHouse',
  });
  for (const outcome of await outcomes)
    expect(outcome).toMatchObject({ reason: { status: 503, message: 'ClickHouse does not answer' } });
  await expect(store.store(['1234567890123\n'])).rejects.toMatchObject({
    message: 'ClickHouse does not answer',
  });
});
