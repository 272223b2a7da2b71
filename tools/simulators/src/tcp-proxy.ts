import { connect, type Socket } from 'node:net';
import { startTcpServer } from './tcp-server.ts';

/** Which way a chunk of bytes goes: to the server behind the proxy, or back from it. */
export type Direction = 'request' | 'answer';

/** A TCP proxy in front of a server of loopback, with which a test takes the server away and gives it back. */
export interface TcpProxy {
  readonly port: number;
  /** How many connections `cutWhen` has cut so far. */
  readonly cuts: number;
  /**
   * Asks before each chunk whether to cut its connection, and does so before the chunk passes: a request that is cut
   * never reaches the server whole, an answer that is cut is lost although the server has done what was asked.
   */
  cutWhen(isDue: (direction: Direction) => boolean): void;
  /** Holds back everything, in silence and on every connection: what a hung server looks like. */
  freeze(): void;
  /** Lets pass what `freeze` held back, and all that follows. */
  thaw(): void;
  /**
   * Swallows every byte of the connections that are open now, without closing them; new ones work. This is what a
   * failover or a lost NAT entry looks like.
   */
  silenceOpenConnections(): void;
  /** Destroys every connection and refuses new ones. */
  takeDown(): Promise<void>;
  /** Listens again on the same port. */
  bringUp(): Promise<void>;
  /** Stops, destroying connections. */
  close(): Promise<void>;
}

/** One connection through the proxy. */
interface Connection {
  readonly sockets: readonly [Socket, Socket];
  isSilenced: boolean;
}

/** Starts a proxy to a port on loopback. It forwards everything until a method changes that. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const connections = new Set<Connection>();
  let isFrozen = false;
  let cuts = 0;
  let isCutDue: (direction: Direction) => boolean = () => false;

  const forward = (connection: Connection, direction: Direction): void => {
    const [client, target] = connection.sockets;
    const [from, to] = direction === 'request' ? [client, target] : [target, client];
    from.on('data', (chunk) => {
      if (connection.isSilenced) return;
      if (isCutDue(direction)) {
        cuts++;
        from.destroy();
        to.destroy();
      } else if (!to.write(chunk)) from.pause();
    });
    to.on('drain', () => {
      if (!isFrozen) from.resume();
    });
    from.on('end', () => {
      if (!connection.isSilenced) to.end();
    });
    from.on('error', () => from.destroy());
    from.once('close', () => {
      if (from === client) connections.delete(connection);
      // A silenced client does not even hear that the server has closed.
      if (from === client || !connection.isSilenced) to.destroy();
    });
    if (isFrozen) from.pause();
  };

  const server = await startTcpServer((client) => {
    const target = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true });
    const connection: Connection = { sockets: [client, target], isSilenced: false };
    connections.add(connection);
    forward(connection, 'request');
    forward(connection, 'answer');
  });
  const forEachSocket = (act: (socket: Socket) => void): void => {
    for (const { sockets } of connections) sockets.forEach(act);
  };
  return {
    port: server.port,
    get cuts() {
      return cuts;
    },
    cutWhen(isDue) {
      isCutDue = isDue;
    },
    freeze() {
      isFrozen = true;
      forEachSocket((socket) => socket.pause());
    },
    thaw() {
      isFrozen = false;
      forEachSocket((socket) => socket.resume());
    },
    silenceOpenConnections() {
      for (const connection of connections) connection.isSilenced = true;
    },
    takeDown: () => server.close(),
    bringUp: () => server.listen(),
    close: () => server.close(),
  };
}
