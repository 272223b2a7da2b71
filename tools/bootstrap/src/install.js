import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from './read-json.js';

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
  const wanted = packagesOf(readJson(join(root, 'package-lock.json')));
  const installed = packagesOf(readJson(join(root, 'node_modules/.package-lock.json')));
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
 * @throws {Error} with npm's output, when `npm ci` fails
 */
export async function ensureInstalled(root, { print = () => {}, signal } = {}) {
  const state = installState(root);
  if (state === 'outdated') {
    print('installing dependencies (npm ci)');
    await runNpmCi(root, signal);
  }
  if (state !== 'stamped') writeFileSync(join(root, STAMP), `${lockHash(root)}\n`);
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

/**
 * @param {{ packages?: Record<string, LockEntry> }} lock
 * @returns {Record<string, LockEntry> | undefined}
 */
function packagesOf({ packages }) {
  return packages;
}

/**
 * npm compares `engines` with the Node that runs npm. Nothing we install runs on that one, so npm must not.
 */
const NPM_CI = [
  'ci',
  '--include=dev',
  '--include=optional',
  '--engine-strict=false',
  '--loglevel=error',
  '--no-audit',
  '--no-fund',
];

/**
 * @param {string} root
 * @param {AbortSignal | undefined} signal
 */
function runNpmCi(root, signal) {
  return new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
    const npm = spawn('npm', NPM_CI, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(signal === undefined ? {} : { signal }),
    });
    let output = '';
    for (const stream of [npm.stdout, npm.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    npm.once('error', (error) => reject(new Error(`npm ci did not run: ${error.message}`, { cause: error })));
    npm.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${output.trimEnd()}\nnpm ci failed with exit code ${code}`));
    });
  });
}
