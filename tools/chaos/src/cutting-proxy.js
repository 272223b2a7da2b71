import { connect, createServer } from 'node:net';

/**
 * @typedef {object} CuttingProxy
 * @property {number} port on which it listens, on loopback
 * @property {() => number} cuts how many connections it has cut so far
 * @property {() => void} calm from now on everything passes
 * @property {() => Promise<void>} close
 */

/**
 * Starts a TCP proxy to a port of loopback that now and then cuts a connection: before a piece of a request passes, so
 * that the target never sees it whole, or before a piece of an answer passes, so that only the answer is lost.
 * @param {number} targetPort
 * @param {{ probability: number, random: () => number }} options `probability` is of each piece in each direction
 * @returns {Promise<CuttingProxy>}
 */
export async function startCuttingProxy(targetPort, { probability, random }) {
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  let cuts = 0;
  let isCalm = false;
  const server = createServer({ allowHalfOpen: true }, (inner) => {
    const outer = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true });
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ]) {
      if (from === undefined || to === undefined) continue;
      sockets.add(from);
      from.on('data', (chunk) => {
        if (!isCalm && random() < probability) {
          cuts++;
          from.destroy();
          to.destroy();
        } else if (!to.write(chunk)) from.pause();
      });
      to.on('drain', () => from.resume());
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', () => resolve(undefined));
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cuts: () => cuts,
    calm() {
      isCalm = true;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
