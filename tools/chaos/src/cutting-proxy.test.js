import { createServer } from 'node:http';
import { afterEach, expect, test } from '@jest/globals';
import { startCuttingProxy } from './cutting-proxy.js';

/** @type {(() => Promise<unknown>)[]} */
const closers = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/**
 * A server that counts requests, behind a proxy that cuts where the next of these numbers is below a half.
 * @param {readonly number[]} numbers
 */
async function counterBehindProxy(numbers) {
  let seen = 0;
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      seen++;
      response.end('taken');
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  closers.push(() => new Promise((resolve) => server.close(resolve)));
  const address = server.address();
  const left = [...numbers];
  const proxy = await startCuttingProxy(typeof address === 'object' && address !== null ? address.port : 0, {
    probability: 0.5,
    random: () => left.shift() ?? 1,
  });
  closers.push(() => proxy.close());
  const ask = () =>
    fetch(`http://127.0.0.1:${proxy.port}/`, { headers: { connection: 'close' } }).then(
      (response) => response.text(),
      () => 'cut',
    );
  return { proxy, ask, seen: () => seen };
}

test('what is not cut passes in both directions', async () => {
  const { ask, seen, proxy } = await counterBehindProxy([]);
  await expect(ask()).resolves.toBe('taken');
  expect([seen(), proxy.cuts()]).toEqual([1, 0]);
});

test('a request that is cut never arrives', async () => {
  const { ask, seen, proxy } = await counterBehindProxy([0]);
  await expect(ask()).resolves.toBe('cut');
  expect([seen(), proxy.cuts()]).toEqual([0, 1]);
  await expect(ask()).resolves.toBe('taken');
});

test('an answer that is cut was given: the request has arrived', async () => {
  const { ask, seen, proxy } = await counterBehindProxy([1, 0]);
  await expect(ask()).resolves.toBe('cut');
  expect([seen(), proxy.cuts()]).toEqual([1, 1]);
});

test('calmed, it cuts nothing any more', async () => {
  const { ask, proxy } = await counterBehindProxy([0, 0, 0]);
  proxy.calm();
  await expect(ask()).resolves.toBe('taken');
  expect(proxy.cuts()).toBe(0);
});
