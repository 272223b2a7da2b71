const POLL_MS = 500;

/** Set for the process that `runLikeExec` starts, which has to end when its starter dies by kill -9. */
export const LAUNCHED = 'HELIOGRAPH_LAUNCHED';

/**
 * Calls back once when the parent process dies. Only npm and our own launcher count as parents: started from a shell
 * that ends, a command keeps running.
 * @param {() => void} onDeath
 * @returns {() => void} stops watching
 */
export function watchParent(onDeath) {
  if (process.env['npm_lifecycle_event'] === undefined && process.env[LAUNCHED] === undefined)
    return () => {};
  const parent = process.ppid;
  const poll = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(poll);
    onDeath();
  }, POLL_MS);
  poll.unref();
  return () => clearInterval(poll);
}
