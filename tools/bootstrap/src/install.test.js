import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ensureInstalled, findDifference, installState } from './install.js';
import { identify } from './process-identity.js';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'heliograph-install-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const LOCK = {
  '': { version: '1.0.0' },
  'packages/own': { version: '0.0.0' },
  'node_modules/a': { version: '1.2.3' },
  'node_modules/a/node_modules/b': { version: '2.0.0' },
  'node_modules/only-elsewhere': { version: '1.0.0', optional: true },
};
const INSTALLED = {
  'node_modules/a': LOCK['node_modules/a'],
  'node_modules/a/node_modules/b': { version: '2.0.0' },
};

/**
 * @param {object} lock
 * @param {object} [installed]
 */
function write(lock, installed) {
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: lock }));
  if (installed === undefined) return;
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  writeFileSync(join(root, 'node_modules/.package-lock.json'), JSON.stringify({ packages: installed }));
}

test('without node_modules an install is needed', () => {
  write(LOCK);
  expect(installState(root)).toBe('outdated');
});

test('what npm itself recorded as installed needs none, and is stamped', async () => {
  write(LOCK, INSTALLED);
  expect(installState(root)).toBe('unstamped');
  expect(await ensureInstalled(root)).toBe(false);
  expect(installState(root)).toBe('stamped');
  expect(readFileSync(join(root, 'node_modules/.heliograph-install'), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
});

test('a changed lock makes a stamp worthless', async () => {
  write(LOCK, INSTALLED);
  await ensureInstalled(root);
  write({ ...LOCK, 'node_modules/c': { version: '1.0.0' } });
  expect(installState(root)).toBe('outdated');
});

test.each([
  ['another version', { ...INSTALLED, 'node_modules/a': { version: '1.2.4' } }, 'node_modules/a'],
  ['a missing package', { 'node_modules/a': { version: '1.2.3' } }, 'node_modules/a/node_modules/b'],
  ['nothing', INSTALLED, undefined],
])('%s is noticed', (_what, installed, path) => {
  expect(findDifference(LOCK, installed)).toBe(path);
});

test('a package of this very platform is needed although it is optional, any other is not', () => {
  const machine = { os: 'linux', cpu: 'x64', libc: 'glibc' };
  const entry = (/** @type {object} */ more) => ({
    'node_modules/p': { version: '1.0.0', optional: true, os: ['linux'], cpu: ['x64'], ...more },
  });
  expect(findDifference(entry({}), {}, machine)).toBe('node_modules/p');
  expect(findDifference(entry({ libc: ['glibc'] }), {}, machine)).toBe('node_modules/p');
  expect(findDifference(entry({ libc: ['musl'] }), {}, machine)).toBeUndefined();
  expect(findDifference(entry({ os: ['darwin'] }), {}, machine)).toBeUndefined();
  expect(findDifference(entry({ cpu: ['arm64'] }), {}, machine)).toBeUndefined();
  expect(findDifference(entry({ cpu: undefined }), {}, machine)).toBe('node_modules/p');
});

describe('npm ci', () => {
  const path = process.env['PATH'];
  afterEach(() => {
    process.env['PATH'] = path;
  });

  /** @param {string} script what `npm` does instead */
  function fakeNpm(script) {
    mkdirSync(join(root, 'bin'));
    writeFileSync(join(root, 'bin/npm'), `#!/bin/sh\necho run >> runs\n${script}\n`);
    chmodSync(join(root, 'bin/npm'), 0o755);
    process.env['PATH'] = `${join(root, 'bin')}:${path}`;
  }
  const installs = `mkdir -p node_modules; echo '${JSON.stringify({ packages: INSTALLED })}' > node_modules/.package-lock.json`;
  const runs = () => readFileSync(join(root, 'runs'), 'utf8').trim().split('\n').length;

  test('runs once for two commands that start at the same time', async () => {
    write(LOCK);
    fakeNpm(`sleep 0.5; ${installs}`);
    await expect(Promise.all([ensureInstalled(root), ensureInstalled(root)])).resolves.toEqual([true, false]);
    expect([runs(), existsSync(join(root, '.install.lock'))]).toEqual([1, false]);
  });

  test('that left a package of this platform out is no success, and the next command tries again', async () => {
    const own = { version: '1.0.0', optional: true, os: [process.platform], cpu: [process.arch] };
    write({ ...LOCK, 'node_modules/own': own });
    fakeNpm(installs);
    await expect(ensureInstalled(root)).rejects.toThrow('npm ci left out node_modules/own');
    await expect(ensureInstalled(root)).rejects.toThrow('npm ci left out node_modules/own');
    expect(runs()).toBe(2);
  });

  test('has ended, with all it started, when an aborted installation is over', async () => {
    write(LOCK);
    fakeNpm("trap '' TERM; (trap '' TERM; sleep 4; touch late) & wait");
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 300);
    await expect(ensureInstalled(root, { signal: stop.signal })).rejects.toThrow('aborted');
    await sleep(2500);
    expect(existsSync(join(root, 'late'))).toBe(false);
  }, 20_000);

  test.each([
    ['that a killed command left behind is ended by the next one', true],
    ['whose pid belongs to somebody else by now is left alone', false],
  ])(
    '%s',
    async (_, isOurs) => {
      write(LOCK);
      fakeNpm(installs);
      const left = spawn('sh', ['-c', 'sleep 60'], { detached: true, stdio: 'ignore' });
      const leader = identify(left.pid ?? 0);
      const recorded = isOurs ? leader : { ...leader, startTime: '1' };
      writeFileSync(join(root, '.install.lock'), JSON.stringify({ pid: 2 ** 22 + 1, startTime: '1' }));
      writeFileSync(join(root, '.install.lock.npm'), JSON.stringify(recorded));
      await expect(ensureInstalled(root)).resolves.toBe(true);
      const exit = left.exitCode ?? left.signalCode;
      if (exit === null && isOurs) await once(left, 'exit');
      expect(left.signalCode).toBe(isOurs ? 'SIGKILL' : null);
      expect(readdirSync(root).filter((name) => name.startsWith('.install'))).toEqual([]);
      left.kill('SIGKILL');
    },
    20_000,
  );
});
