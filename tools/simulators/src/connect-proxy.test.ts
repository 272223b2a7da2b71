import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { startConnectProxy, type ConnectProxyOptions } from './connect-proxy.ts';
import { startTcpServer } from './tcp-server.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** A server that greets and then sends back what it gets, behind a proxy that knows it as `echo.test:7`. */
async function echoBehindProxy(options: Partial<ConnectProxyOptions> = {}) {
  const echo = await startTcpServer((socket) => {
    socket.write('hello ');
    socket.pipe(socket);
  });
  closers.push(() => echo.close());
  const proxy = await startConnectProxy({
    resolve: (target) => (target === 'echo.test:7' ? echo.port : undefined),
    ...options,
  });
  closers.push(() => proxy.close());
  const ask = async (target: string, header = ''): Promise<{ socket: Socket; text: () => string }> => {
    const socket = connect(proxy.port, '127.0.0.1');
    socket.on('error', () => undefined);
    closers.push(() => socket.destroy());
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.write(`CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n${header}\r\n`);
    while (!text.includes('\r\n\r\n')) await sleep(2);
    return { socket, text: () => text };
  };
  return { proxy, ask };
}

test.each([false, true])(
  'a tunnel carries both ways (answer with the first bytes: %s)',
  async (coalesces) => {
    const { proxy, ask } = await echoBehindProxy({ coalesces });
    const { socket, text } = await ask('echo.test:7');
    socket.write('you');
    while (!text().endsWith('hello you')) await sleep(2);
    expect(text()).toMatch(/^HTTP\/1\.1 200 /);
    expect(proxy.openTunnels).toBe(1);
  },
);

test('a proxy refuses unknown targets, missing credentials, and everything when told to', async () => {
  const { proxy, ask } = await echoBehindProxy({ credentials: { username: 'u', password: 'p:@' } });
  const basic = Buffer.from('u:p:@').toString('base64');
  const header = `proxy-authorization: Basic ${basic}\r\n`;
  await ask('echo.test:7');
  await ask('nobody.test:7', header);
  proxy.refuseWith(403);
  await ask('echo.test:7', header);
  proxy.refuseWith(null);
  await ask('echo.test:7', header);
  expect(proxy.requests.map(({ status }) => status)).toEqual([407, 502, 403, 200]);
});

test('tunnels are cut when they are idle, or all at once', async () => {
  const { proxy, ask } = await echoBehindProxy();
  const first = await ask('echo.test:7');
  proxy.cutIdleAfter(20);
  await once(first.socket, 'close');
  proxy.cutIdleAfter(null);
  const second = await ask('echo.test:7');
  proxy.cutTunnels();
  await once(second.socket, 'close');
  expect([proxy.cuts, proxy.openTunnels]).toEqual([2, 0]);
});
