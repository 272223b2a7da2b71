import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { afterEach, expect, test } from '@jest/globals';
import { startTcpServer } from './tcp-server.ts';
import { TLS_AUTHORITY } from './tls-authority.ts';
import { startTlsProxy, type TlsProxy } from './tls-proxy.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function echoBehindTls(): Promise<TlsProxy> {
  const echo = await startTcpServer((socket) => void socket.pipe(socket));
  closers.push(() => echo.close());
  const proxy = await startTlsProxy(echo.port);
  closers.push(() => proxy.close());
  return proxy;
}

/** What comes back to a client that sends a word: the word, or nothing. */
async function answer(proxy: TlsProxy, options: ConnectionOptions): Promise<string> {
  const socket: TLSSocket = connect({
    host: 'localhost',
    port: proxy.port,
    ALPNProtocols: ['h2'],
    ...options,
  });
  closers.push(() => socket.destroy());
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    socket.destroy();
  });
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.write('word');
  await closed;
  return text;
}

test('lets in the clients of its authority only, until one is refused', async () => {
  const proxy = await echoBehindTls();
  const { ca, first, second, expired, stranger } = TLS_AUTHORITY;
  expect(await answer(proxy, { ca, ...first })).toBe('word');
  expect(await answer(proxy, { ca, ...second })).toBe('word');
  proxy.refuse('first.client.test');
  for (const pair of [{}, expired, stranger, first]) expect(await answer(proxy, { ca, ...pair })).toBe('');
  expect(proxy.clients).toEqual(['first.client.test', 'second.client.test']);
});

test('shows its certificate, and another one when told to', async () => {
  const proxy = await echoBehindTls();
  const { ca, strangerCa, first, expiredServer } = TLS_AUTHORITY;
  expect(await answer(proxy, { ca: strangerCa, ...first })).toBe('');
  expect(await answer(proxy, { ca, ...first })).toBe('word');
  proxy.present(expiredServer);
  expect(await answer(proxy, { ca, ...first })).toBe('');
});
