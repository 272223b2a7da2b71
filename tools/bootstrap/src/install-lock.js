import { closeSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 250;
/** No installation takes that long: the owner's pid belongs to another process by now. */
const STALE_AFTER_MS = 30 * 60_000;

/**
 * @typedef {object} InstallLock
 * @property {(pid: number) => void} holdFor records the process group that works under the lock
 * @property {() => void} release
 */

/**
 * Takes the lock of the installation, because two `npm ci` in one folder delete each other's work. Waits while its owner
 * lives; ends what an owner that was killed has left running.
 * @param {string} root of the repository
 * @param {{ onWait?: () => void, signal?: AbortSignal }} [options]
 * @returns {Promise<InstallLock>}
 */
export async function lockInstallation(root, { onWait = () => {}, signal } = {}) {
  const path = join(root, '.install.lock');
  for (let isFirst = true; ; isFirst = false) {
    signal?.throwIfAborted();
    try {
      closeSync(openSync(path, 'wx'));
      const write = (/** @type {object} */ more) =>
        writeFileSync(path, JSON.stringify({ pid: process.pid, ...more }));
      write({});
      return { holdFor: (group) => write({ group }), release: () => rmSync(path, { force: true }) };
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw error;
    }
    if (await breakIfAbandoned(path)) continue;
    if (isFirst) onWait();
    await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
}

/**
 * @param {string} path
 * @returns {Promise<boolean>} whether the lock is free now
 */
async function breakIfAbandoned(path) {
  const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  const { pid, group } = readOwner(path);
  // Its owner has just created it and not written into it yet.
  if (pid === undefined && age < 5000) return false;
  if (pid !== undefined && age < STALE_AFTER_MS && isAlive(pid)) return false;
  if (group !== undefined && age < STALE_AFTER_MS) await endGroup(group);
  // Somebody else may have taken over in the meantime.
  if (readOwner(path).pid === pid) rmSync(path, { force: true });
  return true;
}

/**
 * Ends a process group at once and waits until it is gone.
 * @param {number} group
 */
export async function endGroup(group) {
  for (let tries = 0; tries < 40 && sendSignal(-group, 'SIGKILL'); tries++) await sleep(50);
}

/**
 * @param {number} pid
 * @param {NodeJS.Signals | 0} signal
 * @returns {boolean} whether there was such a process
 */
export function sendSignal(pid, signal) {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    return isCode(error, 'EPERM');
  }
}

/** @param {number} pid */
function isAlive(pid) {
  return sendSignal(pid, 0);
}

/**
 * @param {string} path
 * @returns {{ pid?: number, group?: number }}
 */
function readOwner(path) {
  try {
    const owner = JSON.parse(readFileSync(path, 'utf8'));
    const number = (/** @type {unknown} */ value) =>
      Number.isSafeInteger(value) ? Number(value) : undefined;
    const [pid, group] = [number(owner.pid), number(owner.group)];
    return { ...(pid === undefined ? {} : { pid }), ...(group === undefined ? {} : { group }) };
  } catch {
    return {};
  }
}

/**
 * @param {unknown} error
 * @param {string} code
 */
function isCode(error, code) {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
