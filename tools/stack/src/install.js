// Only Node's own modules may be imported here, also indirectly: it runs when node_modules does not exist yet.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJsonFile, writeFileAtomically } from './atomic-file.js';
import { StackError } from './errors.js';

const STAMP = 'node_modules/.heliograph-install';

/**
 * Says whether node_modules is what package-lock.json asks for.
 *
 * `stamped`: we checked this very lock before. `unstamped`: it matches by npm's own record, as after a manual
 * `npm ci`. `outdated`: `npm ci` is needed.
 * @param {string} root of the repository
 * @returns {'stamped' | 'unstamped' | 'outdated'}
 */
export function installState(root) {
  const stamp = join(root, STAMP);
  const wanted = packagesOf(readJsonFile(join(root, 'package-lock.json')));
  const installed = packagesOf(readJsonFile(join(root, 'node_modules/.package-lock.json')));
  if (wanted === undefined || installed === undefined) return 'outdated';
  // Always compared: an `npm install` on another branch changes node_modules and not the stamp.
  if (findDifference(wanted, installed) !== undefined) return 'outdated';
  return existsSync(stamp) && readFileSync(stamp, 'utf8').trim() === lockHash(root) ? 'stamped' : 'unstamped';
}

/**
 * Runs `npm ci` when node_modules is missing or does not match package-lock.json.
 *
 * @param {string} root of the repository
 * @param {{ print?: (line: string) => void, signal?: AbortSignal }} [options]
 * @returns {Promise<boolean>} whether anything was installed
 * @throws {StackError} STACK_INSTALL_FAILED
 */
export async function ensureInstalled(root, { print = () => {}, signal } = {}) {
  const state = installState(root);
  if (state === 'outdated') {
    print('installing dependencies (npm ci)');
    await runNpmCi(root, signal);
  }
  if (state !== 'stamped') writeFileAtomically(join(root, STAMP), `${lockHash(root)}\n`, 0o644);
  return state === 'outdated';
}

/**
 * @typedef {{ version?: string, link?: boolean, optional?: boolean, peer?: boolean, devOptional?: boolean }} LockEntry
 */

/**
 * Names the first package that is not installed as the lock wants it; optional ones may be missing.
 * @param {Readonly<Record<string, LockEntry>>} wanted
 * @param {Readonly<Record<string, LockEntry>>} installed
 * @returns {string | undefined}
 */
export function findDifference(wanted, installed) {
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.includes('node_modules/')) continue;
    const found = installed[path];
    if (found === undefined && (entry.optional === true || entry.devOptional === true)) continue;
    if (found === undefined || found.version !== entry.version || found.link !== entry.link) return path;
  }
  return undefined;
}

/** @param {string} root */
function lockHash(root) {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

/** @param {unknown} lock */
function packagesOf(lock) {
  return isLock(lock) ? lock.packages : undefined;
}

/**
 * @param {unknown} lock
 * @returns {lock is { packages: Record<string, LockEntry> }}
 */
function isLock(lock) {
  return typeof lock === 'object' && lock !== null && 'packages' in lock && typeof lock.packages === 'object';
}

/**
 * @param {string} root
 * @param {AbortSignal | undefined} signal
 */
function runNpmCi(root, signal) {
  return new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
    const npm = spawn('npm', ['ci', '--include=dev', '--no-audit', '--no-fund'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(signal === undefined ? {} : { signal }),
    });
    let output = '';
    for (const stream of [npm.stdout, npm.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    npm.once('error', (error) =>
      reject(
        new StackError('STACK_INSTALL_FAILED', `npm ci did not run: ${error.message}`, { cause: error }),
      ),
    );
    npm.once('close', (code) => {
      if (code === 0) resolve();
      else
        reject(
          new StackError('STACK_INSTALL_FAILED', `${output.trimEnd()}\nnpm ci failed with exit code ${code}`),
        );
    });
  });
}
