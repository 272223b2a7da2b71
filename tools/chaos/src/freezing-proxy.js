import { connect, createServer } from 'node:net';

/**
 * @typedef {object} FreezingProxy
 * @property {number} port on which it listens, on loopback
 * @property {() => void} freeze from now on nothing passes and nobody is told: what a hung server looks like
 * @property {() => void} thaw what was held back passes
 * @property {() => Promise<void>} close
 */

/**
 * Starts a TCP proxy to a port of loopback.
 * @param {number} targetPort
 * @returns {Promise<FreezingProxy>}
 */
export async function startFreezingProxy(targetPort) {
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  let frozen = false;
  const server = createServer({ allowHalfOpen: true }, (inner) => {
    const outer = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true });
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ]) {
      if (from === undefined || to === undefined) continue;
      sockets.add(from);
      from.on('data', (chunk) => {
        if (!to.write(chunk)) from.pause();
      });
      to.on('drain', () => {
        if (!frozen) from.resume();
      });
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      if (frozen) from.pause();
    }
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', () => resolve(undefined));
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    freeze() {
      frozen = true;
      for (const socket of sockets) socket.pause();
    },
    thaw() {
      frozen = false;
      for (const socket of sockets) socket.resume();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
