import { createServer, type Socket } from 'node:net';

/** A TCP server on loopback. */
export interface TcpServer {
  readonly port: number;
  /** Stops listening and destroys every connection; the port stays known for `listen`. */
  close(): Promise<void>;
  /** Listens again on the same port after `close`. */
  listen(): Promise<void>;
}

/**
 * Starts a TCP server on a free port of loopback. It ignores socket errors, and by itself it answers nothing: without
 * `onConnection` it accepts connections and stays silent, as a hung server does.
 */
export async function startTcpServer(
  onConnection: (socket: Socket) => void = () => undefined,
): Promise<TcpServer> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
    onConnection(socket);
  });
  const listenOn = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', () => {
        server.off('error', reject);
        resolve();
      });
    });
  await listenOn(0);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
  const { port } = address;
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
    listen: () => listenOn(port),
  };
}

/** Finds a port of loopback on which nobody listens, so that connecting to it is refused. */
export async function findUnusedPort(): Promise<number> {
  const server = await startTcpServer();
  await server.close();
  return server.port;
}
