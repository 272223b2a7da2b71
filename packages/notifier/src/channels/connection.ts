import type { LookupFunction } from 'node:net';
import { buildConnector, Client } from 'undici';

/** How long an idle connection is kept, in milliseconds, unless the receiver asks for less. */
const KEEP_ALIVE_MS = 10_000;

/** A connection for one request at a time. */
export interface Connection {
  /** Has at most one socket, and connects when a request is dispatched. */
  readonly client: Client;
  /** Whether the latest attempt to connect failed. */
  readonly hasFailedToConnect: boolean;
  /** Whether it is connected and no request is under way. */
  readonly isReusable: boolean;
  /** Destroys the socket if it is still connecting: during the name lookup, TCP or TLS. */
  cancelConnect(): void;
}

/** Creates a connection. `onDisconnect` is called when its socket has closed. */
export function createConnection(
  origin: string,
  {
    lookup,
    onDisconnect,
  }: { readonly lookup?: LookupFunction | undefined; readonly onDisconnect: () => void },
): Connection {
  let connecting: AbortController | null = null;
  let hasFailedToConnect = false;
  const client = new Client(origin, {
    keepAliveTimeout: KEEP_ALIVE_MS,
    // The deadline of the attempt covers all of its phases, exactly; undici's own timers are coarse.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect(target, callback) {
      const abort = new AbortController();
      connecting = abort;
      // The signal is that of this socket alone, and nobody aborts it once the socket is connected.
      const connect = buildConnector({
        timeout: 0,
        signal: abort.signal,
        ...(lookup === undefined ? {} : { lookup }),
      });
      connect(target, (...result) => {
        connecting = null;
        hasFailedToConnect = result[0] !== null;
        callback(...result);
      });
    },
  });
  client.on('disconnect', onDisconnect);
  return {
    client,
    get hasFailedToConnect() {
      return hasFailedToConnect;
    },
    get isReusable() {
      const { connected, size } = client.stats;
      return connected && size === 0;
    },
    cancelConnect: () => connecting?.abort(),
  };
}
