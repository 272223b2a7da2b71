import { randomUUID } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { asIdentity, identify, isRunning } from './process-identity.js';

/** @typedef {import('./process-identity.js').ProcessIdentity} ProcessIdentity */

/**
 * A lock that was taken, or the process that has it; `undefined` while others replace a stale one.
 *
 * @typedef {{ readonly release: () => void } | { readonly owner: ProcessIdentity | undefined }} LockAttempt
 */

const WAIT_MS = 500;

/**
 * Takes the lock file for this process, until it is released or the process is gone: the lock of a dead process does not
 * count. Releasing it leaves a lock alone that belongs to another by now.
 * @param {string} path
 * @returns {LockAttempt}
 */
export function tryLock(path) {
  const mine = JSON.stringify(identify(process.pid));
  const draft = `${path}.${randomUUID()}`;
  writeFileSync(draft, mine, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 20; attempt++) {
      // A link appears with its content, and fails when the lock exists: no reader sees half a lock.
      if (tryLink(draft, path)) {
        return {
          release: () => {
            if (readText(path) === mine) rmSync(path, { force: true });
          },
        };
      }
      const found = readText(path);
      const owner = readIdentity(found);
      if (owner !== undefined && isRunning(owner)) return { owner };
      removeStale(path, found, `${draft}.stale`);
    }
  } finally {
    rmSync(draft, { force: true });
  }
  return { owner: undefined };
}

/**
 * Runs a task while no other process runs one under the same lock file; a lock of a dead process does not count.
 * `onWait` is called once when another process has the lock.
 * @template T
 * @param {string} path
 * @param {{ readonly signal?: AbortSignal | undefined, readonly onWait?: (ownerPid: number) => void }} options
 * @param {() => Promise<T>} task
 * @returns {Promise<T>}
 */
export async function withFileLock(path, { signal, onWait }, task) {
  mkdirSync(dirname(path), { recursive: true });
  let hasWaited = false;
  for (;;) {
    signal?.throwIfAborted();
    const attempt = tryLock(path);
    if ('release' in attempt) {
      try {
        return await task();
      } finally {
        attempt.release();
      }
    }
    if (!hasWaited && attempt.owner !== undefined) {
      onWait?.(attempt.owner.pid);
      hasWaited = true;
    }
    await delay(WAIT_MS, undefined, signal === undefined ? {} : { signal });
  }
}

/**
 * Removes a lock whose content was found stale, and no other.
 * @param {string} path
 * @param {string} found
 * @param {string} aside
 */
function removeStale(path, found, aside) {
  try {
    renameSync(path, aside);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  // Another process may have replaced the stale lock between reading and renaming: give its lock back.
  if (readText(aside) !== found && !existsSync(path)) renameSync(aside, path);
  rmSync(aside, { force: true });
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
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** @param {string} path */
function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/**
 * @param {string} text
 * @returns {ProcessIdentity | undefined}
 */
function readIdentity(text) {
  try {
    return asIdentity(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/**
 * Not instanceof: an error of Node itself is of another realm under a test runner.
 * @param {unknown} error
 * @param {string} code
 */
function hasCode(error, code) {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
