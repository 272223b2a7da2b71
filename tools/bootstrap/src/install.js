import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withFileLock } from './file-lock.js';
import { endGroup, endRecordedGroup, forgetGroup, recordGroup, signalGroup } from './npm-group.js';
import { readJson } from './read-json.js';

const STAMP = 'node_modules/.heliograph-install';
const LOCK = '.install.lock';

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
  // Always compared: an `npm install` on another branch changes node_modules and not the stamp.
  if (findMissing(root) !== undefined) return 'outdated';
  return existsSync(stamp) && readFileSync(stamp, 'utf8').trim() === lockHash(root) ? 'stamped' : 'unstamped';
}

/** @param {string} root */
function findMissing(root) {
  const wanted = packagesOf(readJson(join(root, 'package-lock.json')));
  const installed = packagesOf(readJson(join(root, 'node_modules/.package-lock.json')));
  return wanted === undefined || installed === undefined ? 'node_modules' : findDifference(wanted, installed);
}

/**
 * Runs `npm ci` when node_modules is missing or does not match package-lock.json. Commands that start at the same time
 * install once. When it rejects, also because of `signal`, npm has ended.
 *
 * @param {string} root of the repository
 * @param {{ print?: (line: string) => void, signal?: AbortSignal }} [options]
 * @returns {Promise<boolean>} whether anything was installed
 * @throws {Error} with npm's output, when `npm ci` fails
 */
export async function ensureInstalled(root, { print = () => {}, signal } = {}) {
  if (installState(root) === 'stamped') return false;
  const lock = join(root, LOCK);
  const onWait = () => print('waiting for another command that installs dependencies');
  return withFileLock(lock, { signal, onWait }, async () => {
    const state = installState(root);
    if (state === 'outdated') {
      // A command that was killed may have left one running, which would delete what this one installs.
      await endRecordedGroup(`${lock}.npm`);
      print('installing dependencies (npm ci)');
      await runNpmCi(root, signal, `${lock}.npm`);
      // npm leaves out an optional package that it could not download, and calls that success.
      const missing = findMissing(root);
      if (missing !== undefined)
        throw new Error(
          `npm ci left out ${missing}, which this machine needs; is the registry reachable? Try again.`,
        );
    }
    if (state !== 'stamped') writeFileSync(join(root, STAMP), `${lockHash(root)}\n`);
    return state === 'outdated';
  });
}

/**
 * @typedef {{ version?: string, link?: boolean, optional?: boolean, peer?: boolean, devOptional?: boolean, os?: string[],
 *   cpu?: string[], libc?: string[] }} LockEntry
 */

/**
 * Names the first package that is not installed as the lock wants it. An optional one may be missing unless it is the
 * package of a platform and the platform is this machine's: then its download has failed.
 * @param {Readonly<Record<string, LockEntry>>} wanted
 * @param {Readonly<Record<string, LockEntry>>} installed
 * @param {{ os: string, cpu: string, libc: string | undefined }} [machine]
 * @returns {string | undefined}
 */
export function findDifference(wanted, installed, machine = thisMachine()) {
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.includes('node_modules/')) continue;
    const found = installed[path];
    const isOptional = entry.optional === true || entry.devOptional === true;
    if (found === undefined && isOptional && !isMadeFor(entry, machine)) continue;
    if (found === undefined || found.version !== entry.version || found.link !== entry.link) return path;
  }
  return undefined;
}

/**
 * @param {LockEntry} entry
 * @param {{ os: string, cpu: string, libc: string | undefined }} machine
 */
function isMadeFor({ os, cpu, libc }, machine) {
  if (os === undefined && cpu === undefined) return false;
  return (
    (os === undefined || os.includes(machine.os)) &&
    (cpu === undefined || cpu.includes(machine.cpu)) &&
    (libc === undefined || (machine.libc !== undefined && libc.includes(machine.libc)))
  );
}

function thisMachine() {
  return {
    os: process.platform,
    cpu: process.arch,
    libc: process.platform === 'linux' ? readLibc() : undefined,
  };
}

/** The C library as npm calls it: from the report, the way npm itself finds out. */
function readLibc() {
  // Without it the report looks up the names of open connections.
  const report = Object.assign(process.report, { excludeNetwork: true });
  const header = Object(Object(report.getReport()).header);
  return header.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
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

/** How long npm may take to end by itself after a stop. */
const STOP_GRACE_MS = 2000;

/**
 * Runs npm in a process group of its own: a Ctrl-C of the terminal would reach it, and it would go on to roll back while
 * the next command installs.
 * @param {string} root
 * @param {AbortSignal | undefined} signal
 * @param {string} record file that names the group while it runs
 */
async function runNpmCi(root, signal, record) {
  const npm = spawn('npm', NPM_CI, {
    cwd: root,
    env: process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const group = npm.pid;
  if (group !== undefined) recordGroup(record, group);
  let output = '';
  for (const stream of [npm.stdout, npm.stderr])
    stream.setEncoding('utf8').on('data', (text) => (output += text));
  /** @type {Promise<number | null>} */
  const closed = new Promise((resolve, reject) => {
    npm.once('error', (error) => reject(new Error(`npm ci did not run: ${error.message}`, { cause: error })));
    npm.once('close', resolve);
  });
  /** @type {Promise<void> | undefined} */
  let stopping;
  const stop = () => {
    if (group === undefined) return;
    signalGroup(group, 'SIGTERM');
    stopping = Promise.race([closed, sleep(STOP_GRACE_MS, undefined, { ref: false })]).then(() =>
      endGroup(group),
    );
  };
  if (signal?.aborted === true) stop();
  else signal?.addEventListener('abort', stop, { once: true });
  try {
    const code = await closed;
    await stopping;
    signal?.throwIfAborted();
    if (code !== 0) throw new Error(`${output.trimEnd()}\nnpm ci failed with exit code ${code}`);
  } finally {
    signal?.removeEventListener('abort', stop);
    forgetGroup(record);
  }
}
