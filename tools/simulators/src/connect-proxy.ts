import { createServer, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** A CONNECT request that the proxy has seen. */
export interface ConnectRequest {
  /** `host:port` as the client wrote it. */
  readonly target: string;
  /** The header `Proxy-Authorization`. */
  readonly authorization: string | undefined;
  /** What the proxy answered. */
  readonly status: number;
}

/** An HTTP proxy on loopback that opens tunnels, and cuts them when a test wants it. */
export interface ConnectProxy {
  readonly port: number;
  readonly requests: readonly ConnectRequest[];
  readonly openTunnels: number;
  /** How many tunnels were cut so far, idle ones included. */
  readonly cuts: number;
  /** Answers every request with this status instead of opening a tunnel; null: opens tunnels again. */
  refuseWith(status: number | null): void;
  /** Cuts every tunnel in which nothing passed for so long, in milliseconds, also those that are open now; null: none. */
  cutIdleAfter(idleMs: number | null): void;
  /** Cuts every tunnel that is open now; new ones work. */
  cutTunnels(): void;
  /** Stops, destroying tunnels. */
  close(): Promise<void>;
}

/** What {@link startConnectProxy} does. */
export interface ConnectProxyOptions {
  /** The port of loopback behind a target, so that names exist that only the proxy resolves; undefined: 502. */
  readonly resolve: (target: string) => number | undefined;
  /** What the clients have to present; without them 407. */
  readonly credentials?: { readonly username: string; readonly password: string };
  /** Sends its answer together with the first bytes of a server that speaks first, as some proxies do. */
  readonly coalesces?: boolean;
}

interface Tunnel {
  readonly client: Duplex & Pick<Socket, 'setTimeout'>;
  readonly server: Socket;
}

/** Starts a proxy on a free port of loopback. */
export async function startConnectProxy(options: ConnectProxyOptions): Promise<ConnectProxy> {
  const requests: ConnectRequest[] = [];
  const tunnels = new Set<Tunnel>();
  let refusal: number | null = null;
  let idleMs: number | null = null;
  let cuts = 0;
  const cut = (tunnel: Tunnel): void => {
    cuts++;
    tunnels.delete(tunnel);
    tunnel.client.destroy();
    tunnel.server.destroy();
  };

  const statusOf = (target: string, authorization: string | undefined): number => {
    if (refusal !== null) return refusal;
    if (options.credentials !== undefined && authorization !== basicAuth(options.credentials)) return 407;
    return options.resolve(target) === undefined ? 502 : 200;
  };
  const open = (client: Tunnel['client'], port: number, head: Buffer): void => {
    const server = connect(port, '127.0.0.1');
    const tunnel = { client, server };
    tunnels.add(tunnel);
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => undefined);
      one.once('close', () => {
        tunnels.delete(tunnel);
        other.destroy();
      });
    }
    client.on('timeout', () => cut(tunnel));
    client.setTimeout(idleMs ?? 0);
    const established = Buffer.from('HTTP/1.1 200 Connection Established\r\n\r\n');
    server.once('connect', () => {
      if (head.length > 0) server.write(head);
      if (options.coalesces !== true) client.write(established);
      client.pipe(server);
      if (options.coalesces !== true) server.pipe(client);
    });
    if (options.coalesces === true)
      server.once('data', (first) => {
        client.write(Buffer.concat([established, first]));
        server.pipe(client);
      });
  };

  const sockets = new Set<Socket>();
  const server = createServer((_, response) => response.writeHead(405).end());
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('connect', (request: IncomingMessage, client: Socket, head: Buffer) => {
    const target = request.url ?? '';
    const authorization = request.headers['proxy-authorization'];
    const status = statusOf(target, authorization);
    requests.push({ target, authorization, status });
    client.on('error', () => undefined);
    const port = options.resolve(target);
    if (status === 200 && port !== undefined) open(client, port, head);
    else client.end(`HTTP/1.1 ${status} Refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a proxy has no port');
  return {
    port: address.port,
    requests,
    get openTunnels() {
      return tunnels.size;
    },
    get cuts() {
      return cuts;
    },
    refuseWith(status) {
      refusal = status;
    },
    cutIdleAfter(ms) {
      idleMs = ms;
      for (const { client } of tunnels) client.setTimeout(ms ?? 0);
    },
    cutTunnels() {
      for (const tunnel of tunnels) cut(tunnel);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function basicAuth({ username, password }: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
