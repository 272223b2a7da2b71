import type { AddressInfo } from 'node:net';
import {
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
  createServer,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { RequestError, getRequestListener } from '@hono/node-server';
import { type Edge, MAX_HEADER_BYTES } from './edge.ts';
import { ServiceError } from './errors.ts';
import type { Followed } from './follow.ts';
import { answerFault, refuseEarly, refuseTarget } from './refuse-early.ts';
import { type TlsFiles, type TlsPair, followTlsFiles } from './tls-files.ts';

/** Options of {@link listen}. */
export interface ListenOptions {
  /** 0 lets the system choose. */
  readonly port: number;
  /** Default 127.0.0.1; containers say 0.0.0.0. */
  readonly host?: string;
  /** The variable that sets the port, named in the message when the port is taken. */
  readonly portVariable?: string;
  /** How long a complete request may take to arrive; default 45,000 ms. */
  readonly requestTimeoutMs?: number;
  /** How long an idle connection is kept; default 5,000 ms. */
  readonly keepAliveMs?: number;
  /** How long a caller may read nothing of a complete answer before its connection is closed; default 30,000 ms. */
  readonly unreadTimeoutMs?: number;
  /**
   * How fast a caller has to read complete answers, on average after `unreadTimeoutMs`, or its connection is closed; default
   * 131,072 bytes a second.
   */
  readonly leastReadBytesPerSecond?: number;
  /**
   * Serves https, TLS 1.2 or newer. New connections get a replaced certificate; those that are open keep theirs. A pair
   * that cannot be used changes nothing.
   */
  readonly tls?: TlsFiles;
}

/** A listening server. */
export interface HttpServer {
  readonly port: number;
  /** The base URL without a trailing slash. */
  readonly url: string;
  /**
   * Drains the edge, stops accepting, lets running requests finish and resolves when all connections are
   * closed; those still open after `deadlineMs` (default 10,000) are destroyed. Returns their number.
   */
  stop(deadlineMs?: number): Promise<number>;
}

/**
 * Listens on a port.
 *
 * @throws ServiceError SERVICE_PORT_TAKEN, SERVICE_PORT_FORBIDDEN, SERVICE_TLS_INVALID
 */
export async function listen(edge: Edge, options: ListenOptions): Promise<HttpServer> {
  const { port, host = '127.0.0.1', keepAliveMs = 5000 } = options;
  const listener = getRequestListener((request, env) => edge.app.fetch(request, env), {
    overrideGlobalObjects: false,
    errorHandler: (error) => (error instanceof RequestError ? refuseTarget(edge) : answerFault()),
  });
  const settings = {
    ...receptionLimits(options.requestTimeoutMs),
    keepAliveTimeout: keepAliveMs,
    // The edge refuses less than that, and a page can read why.
    maxHeaderSize: 4 * MAX_HEADER_BYTES,
    // Node's own refusal of a missing Host header has no body.
    requireHostHeader: false,
  };
  const handle = (incoming: IncomingMessage, outgoing: ServerResponse): void =>
    void listener(incoming, outgoing);
  const { server, tls } = await createHttpServer(options, settings, handle);
  refuseEarly(server, edge);
  giveUpUnread(server, options);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      tls?.close();
      reject(toListenError(error, options, host));
    });
    server.listen({ port, host }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
  const bound = portOf(server.address());

  const close = async (deadlineMs: number): Promise<number> => {
    edge.drain();
    tls?.close();
    let cut = 0;
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    // A connection whose response had begun before the drain is kept alive by its headers.
    const sweep = setInterval(() => server.closeIdleConnections(), 25);
    const deadline = setTimeout(() => {
      server.getConnections((_, count) => {
        cut = count;
        server.closeAllConnections();
      });
    }, deadlineMs);
    await closed;
    clearInterval(sweep);
    clearTimeout(deadline);
    return cut;
  };
  let stopping: Promise<number> | undefined;
  return {
    port: bound,
    url: `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host === '0.0.0.0' ? '127.0.0.1' : host}:${bound}`,
    stop: (deadlineMs = 10_000) => (stopping ??= close(deadlineMs)),
  };
}

/**
 * Closes connections whose callers read nothing, or too slowly, of what would stay in memory. What is being streamed is not
 * complete, and not meant.
 */
function giveUpUnread(
  server: Server,
  { unreadTimeoutMs = 30_000, leastReadBytesPerSecond = 131_072 }: ListenOptions,
): void {
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) =>
    // Those that wait behind another one on its connection come to this when it is their turn.
    response.once('prefinish', () => {
      socket.setTimeout(unreadTimeoutMs);
      const timeMs = unreadTimeoutMs + (response.writableLength / leastReadBytesPerSecond) * 1000;
      const deadline = setTimeout(() => socket.destroy(), timeMs);
      response.once('close', () => clearTimeout(deadline));
    }),
  );
}

/** How long a TLS handshake may take: an open connection that never says anything costs memory. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** Until when a request has to be there, and how often Node looks for late ones: 30 s, its default, would be too seldom. */
export function receptionLimits(requestTimeoutMs = 45_000): {
  readonly requestTimeout: number;
  readonly headersTimeout: number;
  readonly connectionsCheckingInterval: number;
} {
  return {
    requestTimeout: requestTimeoutMs,
    headersTimeout: Math.min(10_000, requestTimeoutMs),
    connectionsCheckingInterval: Math.max(50, Math.min(1000, requestTimeoutMs / 4)),
  };
}

async function createHttpServer(
  { tls: files }: ListenOptions,
  settings: ServerOptions,
  handle: (incoming: IncomingMessage, outgoing: ServerResponse) => void,
): Promise<{ readonly server: Server; readonly tls?: Followed<TlsPair> }> {
  if (files === undefined) return { server: createServer(settings, handle) };
  const tls = await followTlsFiles(files, ({ cert, key }) => server.setSecureContext({ ...TLS, cert, key }));
  const { cert, key } = tls.current();
  const server = createTlsServer(
    { ...settings, ...TLS, cert, key, handshakeTimeout: HANDSHAKE_TIMEOUT_MS },
    handle,
  );
  return { server, tls };
}

const TLS = { minVersion: 'TLSv1.2' } as const;

function portOf(address: AddressInfo | string | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function toListenError(
  error: NodeJS.ErrnoException,
  { port, portVariable }: ListenOptions,
  host: string,
): Error {
  const remedy =
    portVariable === undefined ? 'choose another port' : `set ${portVariable} to a free port (0 picks one)`;
  if (error.code === 'EADDRINUSE') {
    return new ServiceError(
      'SERVICE_PORT_TAKEN',
      `port ${port} on ${host} is in use by another process: stop that process, or ${remedy}`,
      { cause: error },
    );
  }
  if (error.code === 'EACCES' || error.code === 'EADDRNOTAVAIL') {
    return new ServiceError(
      'SERVICE_PORT_FORBIDDEN',
      `cannot listen on port ${port} of ${host} (${error.code}): ${remedy}, or check the host`,
      { cause: error },
    );
  }
  return error;
}
