import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCodeOf } from './errors.js';
import { identify, isRunning } from './process-identity.js';

/**
 * Runs a task while no other process runs one under the same lock file; a lock of a dead process does not count.
 *
 * @template T
 * @param {string} path of the lock file
 * @param {{ signal: AbortSignal, onWait?: (ownerPid: number) => void }} options `onWait` is called once when another
 *   process has the lock
 * @param {() => Promise<T>} task
 * @returns {Promise<T>}
 */
export async function withFileLock(path, { signal, onWait }, task) {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(identify(process.pid)));
  try {
    let hasWaited = false;
    while (!tryLink(draft, path)) {
      const owner = readOwner(path);
      if (owner === undefined || !isRunning(owner)) {
        rmSync(path, { force: true });
        continue;
      }
      if (!hasWaited) onWait?.(owner.pid);
      hasWaited = true;
      await delay(500, undefined, { signal });
    }
  } finally {
    rmSync(draft, { force: true });
  }
  try {
    return await task();
  } finally {
    rmSync(path, { force: true });
  }
}

/**
 * @param {string} draft
 * @param {string} path
 */
function tryLink(draft, path) {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/**
 * @param {string} path
 * @returns {import('./process-identity.js').ProcessIdentity | undefined}
 */
function readOwner(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
