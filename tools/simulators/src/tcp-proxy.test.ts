import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { startLoopbackServer } from './loopback-server.ts';
import { startTcpProxy, type Direction } from './tcp-proxy.ts';
import { startTcpServer } from './tcp-server.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** A server that counts requests, behind a proxy. */
async function counterBehindProxy() {
  const server = await startLoopbackServer((response) => response.end('taken'));
  closers.push(() => server.close());
  const proxy = await startTcpProxy(server.port);
  closers.push(() => proxy.close());
  const ask = () =>
    fetch(`http://127.0.0.1:${proxy.port}/`, { headers: { connection: 'close' } }).then(
      (response) => response.text(),
      () => 'cut',
    );
  return { proxy, ask, seen: () => server.requests.length };
}

/** A server that sends back what it gets, behind a proxy. */
async function echoBehindProxy() {
  const serverSockets: Socket[] = [];
  const server = await startTcpServer((socket) => {
    serverSockets.push(socket);
    socket.pipe(socket);
  });
  closers.push(() => server.close());
  const proxy = await startTcpProxy(server.port);
  closers.push(() => proxy.close());
  const dial = () => {
    const socket = connect(proxy.port, '127.0.0.1');
    closers.push(() => socket.destroy());
    let received = '';
    let error: string | null = null;
    socket.on('data', (chunk) => {
      received += chunk.toString();
    });
    socket.on('error', (failure: NodeJS.ErrnoException) => {
      error = failure.code ?? '';
    });
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    const isReceived = (text: string) => received === text;
    const until = async (text: string) => {
      while (!isReceived(text)) await sleep(5);
    };
    return { socket, until, closed, received: () => received, error: () => error };
  };
  return { proxy, dial, serverSockets };
}

describe('a connection is cut', () => {
  test.each<[string, Direction | null, string, number]>([
    ['not at all: everything passes', null, 'taken', 1],
    ['before a request: it never arrives', 'request', 'cut', 0],
    ['before an answer: the request has arrived', 'answer', 'cut', 1],
  ])('%s', async (_, cutAt, answer, seen) => {
    const counter = await counterBehindProxy();
    counter.proxy.cutWhen((direction) => direction === cutAt);
    await expect(counter.ask()).resolves.toBe(answer);
    expect([counter.seen(), counter.proxy.cuts]).toEqual([seen, cutAt === null ? 0 : 1]);
    counter.proxy.cutWhen(() => false);
    await expect(counter.ask()).resolves.toBe('taken');
  });
});

test('frozen, nothing passes and the connection stands; thawed, what was held back passes', async () => {
  const { proxy, dial } = await echoBehindProxy();
  const client = dial();
  client.socket.write('a');
  await client.until('a');
  proxy.freeze();
  client.socket.write('b');
  await sleep(100);
  expect([client.received(), client.socket.destroyed]).toEqual(['a', false]);
  proxy.thaw();
  await client.until('ab');
});

test('a connection that opens while frozen is held back as well', async () => {
  const { proxy, dial } = await echoBehindProxy();
  proxy.freeze();
  const client = dial();
  client.socket.write('a');
  await sleep(100);
  expect(client.received()).toBe('');
  proxy.thaw();
  await client.until('a');
});

test('silenced, open connections stand and swallow everything, even the end; new ones work', async () => {
  const { proxy, dial, serverSockets } = await echoBehindProxy();
  const old = dial();
  old.socket.write('a');
  await old.until('a');
  proxy.silenceOpenConnections();
  old.socket.write('b');
  const fresh = dial();
  fresh.socket.write('c');
  await fresh.until('c');
  serverSockets[0]?.destroy();
  await sleep(100);
  expect([old.received(), old.socket.destroyed, old.error()]).toEqual(['a', false, null]);
});

test('taken down, it breaks connections and refuses new ones; brought up, it has the same port', async () => {
  const { proxy, dial } = await echoBehindProxy();
  const open = dial();
  open.socket.write('a');
  await open.until('a');
  await proxy.takeDown();
  await open.closed;
  const refused = dial();
  await refused.closed;
  expect(refused.error()).toBe('ECONNREFUSED');
  await proxy.bringUp();
  const fresh = dial();
  fresh.socket.write('b');
  await fresh.until('b');
});
