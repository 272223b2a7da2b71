import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

/** A port of loopback that drops the SYN of every new connection. */
export interface SynDropServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens with the shortest backlog and then blocks its thread, so that nothing is ever accepted. */
const LISTENER = `
  const { createServer } = require('node:net');
  const { parentPort, workerData } = require('node:worker_threads');
  const server = createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(workerData, 0, 0));
  });
`;
/** On loopback, whoever is accepted by the kernel is connected much sooner, in milliseconds. */
const CONNECT_MS = 300;

/**
 * Starts a server whose accept queue is full, as behind a firewall that drops packets: connecting neither succeeds nor
 * fails. Linux only; other kernels refuse the connection.
 */
export async function startSynDropServer(): Promise<SynDropServer> {
  const lock = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(LISTENER, { eval: true, workerData: lock });
  const port = await new Promise<number>((resolve, reject) =>
    worker.once('message', resolve).once('error', reject),
  );
  const fillers: Socket[] = [];
  for (let isAccepted = true; isAccepted;) {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    fillers.push(socket);
    isAccepted = await new Promise((resolve) => {
      const timer = setTimeout(resolve, CONNECT_MS, false);
      socket.once('connect', () => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }
  return {
    port,
    async close() {
      for (const socket of fillers) socket.destroy();
      Atomics.store(lock, 0, 1);
      Atomics.notify(lock, 0);
      await worker.terminate();
    },
  };
}
