import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * A process that can be told apart from a later one with the same pid.
 *
 * @typedef {object} ProcessIdentity
 * @property {number} pid
 * @property {string} startTime
 */

/**
 * Reads when a process started, as an opaque text; `undefined` when no such process runs.
 * @param {number} pid
 * @returns {string | undefined}
 */
export function startTimeOf(pid) {
  try {
    if (process.platform === 'linux') {
      // The command name in the second field may contain spaces and parentheses: count from its last ')'.
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' ? undefined : fields[19];
    }
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    return undefined;
  }
}

/**
 * Gives the identity of a running process; `undefined` when it does not run.
 * @param {number} pid
 * @returns {ProcessIdentity | undefined}
 */
export function identify(pid) {
  const startTime = startTimeOf(pid);
  return startTime === undefined ? undefined : { pid, startTime };
}

/**
 * Says whether exactly this process still runs: a reused pid does not count.
 * @param {Readonly<ProcessIdentity>} identity
 */
export function isRunning(identity) {
  return startTimeOf(identity.pid) === identity.startTime;
}

/**
 * Reads the command line of a process, `''` when it cannot be read.
 * @param {number} pid
 */
export function commandLineOf(pid) {
  try {
    if (process.platform === 'linux')
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
}

/**
 * Sends a signal to exactly this process and says whether it was there.
 * @param {Readonly<ProcessIdentity>} identity
 * @param {NodeJS.Signals} signal
 */
export function signalProcess(identity, signal) {
  if (!isRunning(identity)) return false;
  try {
    return process.kill(identity.pid, signal);
  } catch {
    return false;
  }
}

/**
 * Reads an identity out of parsed JSON; `undefined` when it is none.
 * @param {unknown} value
 * @returns {ProcessIdentity | undefined}
 */
export function asIdentity(value) {
  if (typeof value !== 'object' || value === null || !('pid' in value) || !('startTime' in value))
    return undefined;
  const { pid, startTime } = value;
  return typeof pid === 'number' && typeof startTime === 'string' ? { pid, startTime } : undefined;
}
