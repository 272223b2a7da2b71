import { rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { asIdentity, identify, isRunning } from './process-identity.js';
import { readJson } from './read-json.js';

/**
 * The process group of an `npm ci`. It is recorded in a file while it runs, so that whoever holds the lock of the
 * installation next can end what a killed command has left behind. Only the holder of that lock may use the file.
 */

/**
 * Records the leader of a group.
 * @param {string} path
 * @param {number} leader
 */
export function recordGroup(path, leader) {
  writeFileSync(path, JSON.stringify(identify(leader) ?? null));
}

/** @param {string} path */
export function forgetGroup(path) {
  rmSync(path, { force: true });
}

/**
 * Ends the recorded group, if exactly this one still runs.
 * @param {string} path
 */
export async function endRecordedGroup(path) {
  const leader = asIdentity(readJson(path));
  if (leader !== undefined && isRunning(leader)) await endGroup(leader.pid);
  forgetGroup(path);
}

/**
 * Ends a process group at once and waits until it is gone.
 * @param {number} leader
 */
export async function endGroup(leader) {
  for (let tries = 0; tries < 40 && signalGroup(leader, 'SIGKILL'); tries++) await sleep(50);
}

/**
 * @param {number} leader
 * @param {NodeJS.Signals} signal
 * @returns {boolean} whether there was such a group
 */
export function signalGroup(leader, signal) {
  try {
    return process.kill(-leader, signal);
  } catch {
    return false;
  }
}
