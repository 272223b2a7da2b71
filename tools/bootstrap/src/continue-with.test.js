import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

const MODULE = JSON.stringify(new URL('continue-with.js', import.meta.url).href);

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'heliograph-exec-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** @param {string} name @param {string} code */
function write(name, code) {
  writeFileSync(join(folder, name), code);
  return join(folder, name);
}

/**
 * Starts a script by way of a launcher, as Node 20 does, and gives the launcher and the lines that come out.
 * @param {string} code of the script
 * @param {{ readonly wrapped?: boolean }} [options] `wrapped`: by way of a process that stands for npm
 */
function launch(code, { wrapped = false } = {}) {
  const script = write('script.mjs', code);
  const become = write(
    'become.mjs',
    `import { becomeScript } from ${MODULE}; await becomeScript(${JSON.stringify(script)}, ['--flag']);`,
  );
  const launcher = write(
    'launcher.mjs',
    `import { runLikeExec } from ${MODULE}; runLikeExec(process.execPath, [${JSON.stringify(become)}]);`,
  );
  const npm = write(
    'npm.mjs',
    `import { spawn } from 'node:child_process'; spawn(process.execPath, [${JSON.stringify(launcher)}], { stdio: 'inherit' });`,
  );
  const env = { ...process.env, npm_lifecycle_event: 'start' };
  const child = spawn(process.execPath, [wrapped ? npm : launcher], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, next: async () => (await lines.next()).value };
}

const WAITS = `
  process.on('SIGTERM', () => { console.log('stopping'); process.exit(3); });
  setInterval(() => {}, 1000);
  console.log('ready', process.argv.slice(1).map((part) => part.replace(/^.*\\//, '')).join(' '));
`;

describe('a launched script', () => {
  test('has its own arguments, gets SIGTERM, and decides the exit code', async () => {
    const { child, next } = launch(WAITS);
    expect(await next()).toBe('ready script.mjs --flag');
    child.kill('SIGTERM');
    expect(await next()).toBe('stopping');
    expect(await once(child, 'exit')).toEqual([3, null]);
  });

  test('that dies of a signal takes its launcher along the same way', async () => {
    const { child } = launch("process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000);");
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
  });

  test.each([
    ['its launcher', false],
    ['npm', true],
  ])('stops when %s is killed with -9', async (_who, wrapped) => {
    const { child, next } = launch(WAITS, { wrapped });
    expect(await next()).toMatch(/^ready/);
    child.kill('SIGKILL');
    expect(await next()).toBe('stopping');
    expect(await next()).toBeUndefined();
  });
});
