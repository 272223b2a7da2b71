import { connect } from 'node:net';
import type { ServerResponse } from 'node:http';
import { startLoopbackServer, startTcpServer } from '@heliograph/simulators';
import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { ConnectionPermit } from './connection-pool.ts';
import { createHttpPoster, type HttpPoster } from './http-poster.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function start<T extends { close(): Promise<void> }>(starting: T | Promise<T>): Promise<T> {
  const started = await starting;
  closers.push(() => started.close());
  return started;
}
const startPoster = (maxConnectionsPerOrigin?: number): Promise<HttpPoster> =>
  start(createHttpPoster({ allowPrivateAddresses: true, maxConnectionsPerOrigin }));

async function reserve(poster: HttpPoster, url: string): Promise<ConnectionPermit> {
  const permit = await poster.reserve(url, { waitMs: 1000 });
  if (permit === null) throw new Error('no permit');
  return permit;
}
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const request = { headers: {}, body: '{}', timeoutMs: 1000 };
const notSent = {
  kind: 'failed',
  outcome: { kind: 'rejected', retryable: true, code: 'NOT_SENT', status: null },
};
const answerOk = (response: ServerResponse) => response.end('ok');

test('of 100 posts to a server that hangs, 64 are in doubt and 36 were not sent', async () => {
  let connectionCount = 0;
  const { port } = await start(startTcpServer(() => connectionCount++));
  const poster = await startPoster();
  const url = `http://127.0.0.1:${port}/`;
  const results = await Promise.all(Array.from({ length: 100 }, () => poster.post({ ...request, url })));
  const count = (code: string) => results.filter((result) => JSON.stringify(result).includes(code)).length;
  expect([
    count('"uncertain","code":"TIMEOUT"'),
    count('"rejected","retryable":true,"code":"NOT_SENT"'),
  ]).toEqual([64, 36]);
  expect(connectionCount).toBe(64);
});

test('connections are reused, one at a time, and dropped when the server closes them', async () => {
  let connectionCount = 0;
  let closeAll = (): void => undefined;
  const answers = ['', 'connection: close\r\n', '', ''];
  const { port } = await start(
    startTcpServer((socket) => {
      connectionCount++;
      closeAll = () => socket.destroy();
      socket.on('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\n${answers.shift() ?? ''}content-length: 0\r\n\r\n`);
      });
    }),
  );
  const poster = await startPoster();
  const post = () => poster.post({ ...request, url: `http://127.0.0.1:${port}/` });
  const counts: number[] = [];
  for (let posts = 0; posts < 3; posts++) {
    await expect(post()).resolves.toMatchObject({ status: 200 });
    counts.push(connectionCount);
  }
  closeAll();
  await sleep(50);
  await expect(post()).resolves.toMatchObject({ status: 200 });
  expect([...counts, connectionCount]).toEqual([1, 1, 2, 3]);
});

describe('a permit', () => {
  test('is granted first come, first served, and never above the limit', async () => {
    const poster = await startPoster(2);
    const url = 'http://127.0.0.1:9/';
    const [one, two] = [await reserve(poster, url), await reserve(poster, url)];
    const granted: string[] = [];
    const waiting = ['a', 'b'].map(async (name) => {
      const permit = await reserve(poster, url);
      granted.push(name);
      return permit;
    });
    await sleep(20);
    expect(granted).toEqual([]);
    one.release();
    one.release();
    await sleep(20);
    expect(granted).toEqual(['a']);
    two.release();
    for (const permit of await Promise.all(waiting)) permit.release();
    expect(granted).toEqual(['a', 'b']);
  });

  test('is waited for no longer than asked, and not after an abort', async () => {
    const poster = await startPoster(1);
    const url = 'http://127.0.0.1:9/';
    const held = await reserve(poster, url);
    await expect(poster.reserve(url, { waitMs: 50 })).resolves.toBeNull();
    const abort = new AbortController();
    const waiting = poster.reserve(url, { waitMs: 10_000, signal: abort.signal });
    abort.abort();
    await expect(waiting).resolves.toBeNull();
    await expect(poster.reserve(url, { waitMs: 50, signal: abort.signal })).resolves.toBeNull();
    held.release();
    await expect(poster.reserve(url, { waitMs: 50, signal: abort.signal })).resolves.toBeNull();
    (await reserve(poster, url)).release();
  });

  test('that was waited for leaves no timer and no listener behind', async () => {
    const poster = await startPoster(1);
    const url = 'http://127.0.0.1:9/';
    const countTimers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const timers = countTimers();
    const { signal } = new AbortController();
    const held = await reserve(poster, url);
    const waiting = poster.reserve(url, { waitMs: 10_000, signal });
    expect([countTimers(), getEventListeners(signal, 'abort').length]).toEqual([timers + 1, 1]);
    held.release();
    (await waiting)?.release();
    expect([countTimers(), getEventListeners(signal, 'abort').length]).toEqual([timers, 0]);
  });

  test('is taken by a post that has none, for itself, as soon as one is free', async () => {
    const poster = await startPoster(1);
    const { url } = await start(startLoopbackServer((response) => setTimeout(answerOk, 150, response)));
    const posts = [1, 2].map(() => poster.post({ ...request, url }));
    await expect(Promise.all(posts)).resolves.toMatchObject([{ status: 200 }, { status: 200 }]);
    const held = await reserve(poster, url);
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 50);
    const startedAt = performance.now();
    await expect(poster.post({ ...request, url, signal: abort.signal })).resolves.toEqual(notSent);
    expect(performance.now() - startedAt).toBeLessThan(400);
    held.release();
  });

  test('of one origin does not delay another', async () => {
    const poster = await startPoster(1);
    const hanging = await start(startTcpServer());
    const good = await start(startLoopbackServer(answerOk));
    const permit = await reserve(poster, `http://127.0.0.1:${hanging.port}/`);
    const stuck = poster.post({ ...request, url: `http://127.0.0.1:${hanging.port}/`, permit });
    await expect(poster.post({ ...request, url: good.url })).resolves.toMatchObject({ status: 200 });
    await expect(stuck).resolves.toMatchObject({ outcome: { kind: 'uncertain' } });
    permit.release();
  });

  test('of another origin, or one that was released, does not count', async () => {
    const poster = await startPoster(1);
    const { url } = await start(startLoopbackServer(answerOk));
    const released = await reserve(poster, url);
    released.release();
    const held = await reserve(poster, url);
    const foreign = await reserve(poster, 'http://127.0.0.1:9/');
    for (const permit of [released, foreign])
      await expect(poster.post({ ...request, url, permit })).resolves.toEqual(notSent);
    await expect(poster.post({ ...request, url, permit: held })).resolves.toMatchObject({ status: 200 });
    // It is still held after the post, for example for a second one.
    await expect(poster.reserve(url, { waitMs: 10 })).resolves.toBeNull();
    held.release();
    foreign.release();
  });

  test('is waited for outside the time of the request', async () => {
    const poster = await startPoster(1);
    const { url } = await start(startLoopbackServer((response) => setTimeout(answerOk, 200, response)));
    const posts = Array.from({ length: 4 }, async () => {
      const permit = await poster.reserve(url, { waitMs: 5000 });
      if (permit === null) throw new Error('no permit');
      const result = await poster.post({ ...request, url, permit, timeoutMs: 400 });
      permit.release();
      return result.kind;
    });
    await expect(Promise.all(posts)).resolves.toEqual(['response', 'response', 'response', 'response']);
  });
});

test('closing waits for the posts under way, and grants nothing more', async () => {
  const poster = createHttpPoster({ allowPrivateAddresses: true, maxConnectionsPerOrigin: 1 });
  const { url, port } = await start(startLoopbackServer((response) => setTimeout(answerOk, 200, response)));
  const running = poster.post({ ...request, url });
  const waiting = poster.reserve(url, { waitMs: 5000 });
  await sleep(50);
  await poster.close();
  await expect(running).resolves.toMatchObject({ kind: 'response', status: 200 });
  await expect(waiting).resolves.toBeNull();
  await expect(poster.post({ ...request, url })).resolves.toEqual(notSent);
  // The port itself still works.
  await new Promise<void>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(void socket.destroy()));
  });
});

test('closing ends when the last post has ended, and leaves no connection open', async () => {
  const poster = createHttpPoster({ allowPrivateAddresses: true, maxConnectionsPerOrigin: 2 });
  let openCount = 0;
  const delaysMs = [100, 250];
  const { port } = await start(
    startTcpServer((socket) => {
      openCount++;
      socket.once('end', () => openCount--);
      const answer = () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
      socket.on('data', () => setTimeout(answer, delaysMs.shift()));
    }),
  );
  const url = `http://127.0.0.1:${port}/`;
  let endedCount = 0;
  const posts = [1, 2].map(async () => {
    const result = await poster.post({ ...request, url });
    endedCount++;
    return result;
  });
  await sleep(20);
  await poster.close();
  await new Promise((resolve) => setImmediate(resolve));
  expect(endedCount).toBe(2);
  await expect(Promise.all(posts)).resolves.toMatchObject([{ status: 200 }, { status: 200 }]);
  await sleep(50);
  expect(openCount).toBe(0);
});

test('closing refuses those who wait for a permit at once, whoever holds one', async () => {
  const poster = createHttpPoster({ allowPrivateAddresses: true, maxConnectionsPerOrigin: 1 });
  const url = 'http://127.0.0.1:9/';
  await reserve(poster, url);
  const waiting = poster.reserve(url, { waitMs: 10_000 });
  await poster.close();
  await expect(Promise.race([waiting, sleep(1000)])).resolves.toBeNull();
});
