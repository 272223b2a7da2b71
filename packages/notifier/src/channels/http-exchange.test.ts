import type { ServerResponse } from 'node:http';
import {
  findUnusedPort,
  startLoopbackServer,
  startSynDropServer,
  startTcpProxy,
  startTcpServer,
} from '@heliograph/simulators';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { createConnection, type Connection } from './connection.ts';
import { exchange, type ExchangeRequest } from './http-exchange.ts';
import { createHttpPoster, type HttpPost, type HttpResponse } from './http-poster.ts';

const poster = createHttpPoster({ allowPrivateAddresses: true });
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});
afterAll(() => poster.close());

async function start<T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> {
  const started = await starting;
  closers.push(() => started.close());
  return started;
}

/** The outcome of a post without a response, or the response. */
async function postTo(url: string, parts: Partial<HttpPost> = {}): Promise<object> {
  const result = await poster.post({ url, headers: {}, body: '{}', timeoutMs: 300, ...parts });
  return result.kind === 'failed' ? result.outcome : pickBodyError(result);
}
const pickBodyError = ({ status, bodyError }: HttpResponse) => ({ status, bodyError });
const countConnecting = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === 'TCPConnectWrap').length;

const NOT_SENT = { kind: 'rejected', retryable: true, code: 'NOT_SENT', status: null };
const CONNECT_FAILED = { ...NOT_SENT, code: 'CONNECT_FAILED' };
const TIMEOUT = { kind: 'uncertain', code: 'TIMEOUT' };
const CONNECTION_LOST = { kind: 'uncertain', code: 'CONNECTION_LOST' };
const answerOk = (response: ServerResponse) => response.end('ok');

describe('before the first byte was written, nothing was sent:', () => {
  test('the port is closed', async () => {
    await expect(postTo(`http://127.0.0.1:${await findUnusedPort()}/`)).resolves.toEqual(CONNECT_FAILED);
  });

  test('the host name does not exist', async () => {
    await expect(postTo('http://no-such-name.invalid/', { timeoutMs: 5000 })).resolves.toEqual(
      CONNECT_FAILED,
    );
  });

  test.each(['http', 'https'])('the port drops SYN (%s); the limit ends the connecting', async (protocol) => {
    const { port } = await start(startSynDropServer());
    const connecting = countConnecting();
    const startedAt = performance.now();
    await expect(postTo(`${protocol}://127.0.0.1:${port}/`)).resolves.toEqual(CONNECT_FAILED);
    expect(performance.now() - startedAt).toBeLessThan(1500);
    await new Promise((resolve) => setImmediate(resolve));
    expect(countConnecting()).toBe(connecting);
  });

  test('a port that is asked for TLS speaks plain HTTP', async () => {
    const { port, requests } = await start(startLoopbackServer(answerOk));
    await expect(postTo(`https://127.0.0.1:${port}/`)).resolves.toEqual(CONNECT_FAILED);
    expect(requests).toEqual([]);
  });

  test('a port that is asked for TLS accepts and stays silent', async () => {
    const { port } = await start(startTcpServer());
    await expect(postTo(`https://127.0.0.1:${port}/`)).resolves.toEqual(CONNECT_FAILED);
  });

  test.each<[string, 'end' | 'destroy' | 'resetAndDestroy']>([
    ['ends', 'end'],
    ['closes', 'destroy'],
    ['resets', 'resetAndDestroy'],
  ])('the server %s the connection during the TLS handshake', async (_, act) => {
    const { port } = await start(startTcpServer((socket) => socket.once('data', () => socket[act]())));
    await expect(postTo(`https://127.0.0.1:${port}/`)).resolves.toEqual(CONNECT_FAILED);
  });

  test.each(['http', 'https'])('it is aborted while it connects (%s)', async (protocol) => {
    const { port } = await start(startSynDropServer());
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 100);
    const startedAt = performance.now();
    const post = postTo(`${protocol}://127.0.0.1:${port}/`, { timeoutMs: 5000, signal: abort.signal });
    await expect(post).resolves.toEqual(NOT_SENT);
    expect(performance.now() - startedAt).toBeLessThan(1500);
  });

  test('it is aborted before it starts', async () => {
    const { url, requests } = await start(startLoopbackServer(answerOk));
    await expect(postTo(url, { signal: AbortSignal.abort() })).resolves.toEqual(NOT_SENT);
    expect(requests).toEqual([]);
  });

  test('it is aborted while it has a permit: nothing connects', async () => {
    let connectionCount = 0;
    const { port } = await start(startTcpServer(() => connectionCount++));
    const url = `http://127.0.0.1:${port}/`;
    const permit = await poster.reserve(url, { waitMs: 0 });
    if (permit === null) throw new Error('no permit');
    await expect(postTo(url, { permit, signal: AbortSignal.abort() })).resolves.toEqual(NOT_SENT);
    permit.release();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(connectionCount).toBe(0);
  });

  test('a header cannot be written', async () => {
    const { url, requests } = await start(startLoopbackServer(answerOk));
    await expect(postTo(url, { headers: { 'x-one': 'a\nb' } })).resolves.toEqual(NOT_SENT);
    expect(requests).toEqual([]);
  });

  test('the network is down', async () => {
    const server = await start(startLoopbackServer(answerOk));
    const proxy = await start(startTcpProxy(server.port));
    const url = `http://127.0.0.1:${proxy.port}/`;
    await expect(postTo(url)).resolves.toMatchObject({ status: 200 });
    await proxy.takeDown();
    // Until the client has read the end of its idle connection, it would write to it, and that is in doubt.
    await new Promise((resolve) => setTimeout(resolve, 50));
    await expect(postTo(url)).resolves.toEqual(CONNECT_FAILED);
    await proxy.bringUp();
    await expect(postTo(url)).resolves.toMatchObject({ status: 200 });
  });

  test('a frozen network, and TLS', async () => {
    const server = await start(startTcpServer((socket) => socket.write('x')));
    const proxy = await start(startTcpProxy(server.port));
    proxy.freeze();
    await expect(postTo(`https://127.0.0.1:${proxy.port}/`)).resolves.toEqual(CONNECT_FAILED);
  });
});

describe('after the first byte was written, it is in doubt:', () => {
  test('the server hangs', async () => {
    const { port } = await start(startTcpServer());
    await expect(postTo(`http://127.0.0.1:${port}/`)).resolves.toEqual(TIMEOUT);
  });

  test.each<[string, 'end' | 'destroy' | 'resetAndDestroy']>([
    ['ends', 'end'],
    ['closes', 'destroy'],
    ['resets', 'resetAndDestroy'],
  ])('the server %s the connection when it has read something', async (_, act) => {
    const { port } = await start(startTcpServer((socket) => socket.once('data', () => socket[act]())));
    await expect(postTo(`http://127.0.0.1:${port}/`)).resolves.toEqual(CONNECTION_LOST);
  });

  test('it is aborted', async () => {
    const abort = new AbortController();
    const { url } = await start(startLoopbackServer(() => abort.abort()));
    await expect(postTo(url, { signal: abort.signal })).resolves.toEqual({
      kind: 'uncertain',
      code: 'ABORTED',
    });
  });

  test.each(['request', 'answer'] as const)('the network cuts the %s', async (cut) => {
    const server = await start(startLoopbackServer(answerOk));
    const proxy = await start(startTcpProxy(server.port));
    proxy.cutWhen((direction) => direction === cut);
    await expect(postTo(`http://127.0.0.1:${proxy.port}/`)).resolves.toEqual(CONNECTION_LOST);
    expect(server.requests).toHaveLength(cut === 'request' ? 0 : 1);
  });

  test('the network freezes, or an open connection goes silent; the next post connects anew', async () => {
    const server = await start(startLoopbackServer(answerOk));
    const proxy = await start(startTcpProxy(server.port));
    const url = `http://127.0.0.1:${proxy.port}/`;
    await expect(postTo(url)).resolves.toMatchObject({ status: 200 });
    proxy.silenceOpenConnections();
    await expect(postTo(url)).resolves.toEqual(TIMEOUT);
    await expect(postTo(url)).resolves.toMatchObject({ status: 200 });
    proxy.freeze();
    await expect(postTo(url)).resolves.toEqual(TIMEOUT);
    proxy.thaw();
  });

  test('the answer is an informational response only', async () => {
    const { port } = await start(
      startTcpServer((socket) =>
        socket.once('data', () => socket.end('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n')),
      ),
    );
    await expect(postTo(`http://127.0.0.1:${port}/`)).resolves.toEqual(CONNECTION_LOST);
  });
});

describe('after a status was received, the status counts:', () => {
  test.each(['end', 'destroy', 'resetAndDestroy'] as const)(
    'the connection is lost after the headers (%s)',
    async (act) => {
      const { port } = await start(
        startTcpServer((socket) =>
          socket.once('data', () =>
            socket.write('HTTP/1.1 202 Accepted\r\ncontent-length: 9\r\n\r\n', () =>
              setTimeout(() => socket[act](), 50),
            ),
          ),
        ),
      );
      await expect(postTo(`http://127.0.0.1:${port}/`)).resolves.toEqual({
        status: 202,
        bodyError: CONNECTION_LOST,
      });
    },
  );

  test('it is aborted, or the limit passes, during the body', async () => {
    const abort = new AbortController();
    const { url } = await start(startLoopbackServer((response) => void response.writeHead(200).write('x')));
    setTimeout(() => abort.abort(), 100);
    await expect(postTo(url, { signal: abort.signal })).resolves.toEqual({
      status: 200,
      bodyError: { kind: 'uncertain', code: 'ABORTED' },
    });
    await expect(postTo(url)).resolves.toEqual({ status: 200, bodyError: TIMEOUT });
  });
});

describe('an exchange on a connection', () => {
  const request: ExchangeRequest = {
    path: '/',
    headers: {},
    body: '{}',
    timeoutMs: 5000,
    connectTimeoutMs: 5000,
    maxResponseBytes: 1024,
    signal: undefined,
  };
  /** A connection that counts the calls of `cancelConnect`, and ignores them if it is told to. */
  const connectTo = (port: number, { ignoresCancel = false } = {}) => {
    const connection = createConnection(`http://127.0.0.1:${port}`, { onDisconnect: () => undefined });
    closers.push(() => connection.client.destroy());
    const counted = {
      client: connection.client,
      cancelCount: 0,
      get hasFailedToConnect() {
        return connection.hasFailedToConnect;
      },
      get isReusable() {
        return connection.isReusable;
      },
      cancelConnect() {
        counted.cancelCount++;
        if (!ignoresCancel) connection.cancelConnect();
      },
    } satisfies Connection & { cancelCount: number };
    return counted;
  };

  test('that cannot connect ends at the limit of connecting, long before its own', async () => {
    const { port } = await start(startSynDropServer());
    const startedAt = performance.now();
    await expect(exchange(connectTo(port), { ...request, connectTimeoutMs: 100 })).resolves.toMatchObject({
      kind: 'no-response',
      phase: 'connecting',
      interruption: 'CONNECTION_LOST',
    });
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });

  test('that was answered leaves the connection alone when its limits pass', async () => {
    const { port } = await start(startLoopbackServer(answerOk));
    const connection = connectTo(port);
    const limits = { timeoutMs: 150, connectTimeoutMs: 100 };
    await expect(exchange(connection, { ...request, ...limits })).resolves.toMatchObject({
      kind: 'response',
      status: 200,
      text: 'ok',
      interruption: null,
    });
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(connection.cancelCount).toBe(0);
  });

  test('that is aborted as the connection comes about writes nothing', async () => {
    const { port, requests } = await start(startLoopbackServer(answerOk));
    const connection = connectTo(port, { ignoresCancel: true });
    const abort = new AbortController();
    const result = exchange(connection, { ...request, signal: abort.signal });
    abort.abort();
    await expect(result).resolves.toMatchObject({
      kind: 'no-response',
      phase: 'unsent',
      interruption: 'ABORTED',
    });
    expect(requests).toEqual([]);
  });

  test('makes a connection reusable by ending, not before', async () => {
    const reusable: boolean[] = [];
    const { port } = await start(
      startLoopbackServer((response) => {
        reusable.push(connection.isReusable);
        response.end('ok');
      }),
    );
    const connection = connectTo(port);
    reusable.push(connection.isReusable);
    await exchange(connection, request);
    expect([...reusable, connection.isReusable]).toEqual([false, false, true]);
  });
});
