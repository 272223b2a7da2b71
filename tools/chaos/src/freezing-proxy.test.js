import { connect, createServer } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { startFreezingProxy } from './freezing-proxy.js';

/** @type {(() => Promise<unknown>)[]} */
const closers = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** A server that sends back what it gets, behind a proxy. */
async function echoBehindProxy() {
  const server = createServer((socket) => socket.pipe(socket));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  closers.push(() => new Promise((resolve) => server.close(resolve)));
  const address = server.address();
  const proxy = await startFreezingProxy(typeof address === 'object' && address !== null ? address.port : 0);
  closers.push(() => proxy.close());
  const client = connect(proxy.port, '127.0.0.1');
  closers.push(async () => client.destroy());
  let received = '';
  client.on('data', (chunk) => {
    received += chunk.toString();
  });
  return { proxy, client, received: () => received };
}

const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

test('what is sent passes; frozen, nothing passes and the connection stands; thawed, what was held back passes', async () => {
  const { proxy, client, received } = await echoBehindProxy();
  client.write('a');
  await pause(50);
  expect(received()).toBe('a');
  proxy.freeze();
  client.write('b');
  await pause(100);
  expect(received()).toBe('a');
  expect(client.destroyed).toBe(false);
  proxy.thaw();
  await pause(50);
  expect(received()).toBe('ab');
});
