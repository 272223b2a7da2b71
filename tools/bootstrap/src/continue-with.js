import { spawn } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { LAUNCHED, watchParent } from './watch-parent.js';

/** What `runLikeExec` passes on. npm passes on SIGINT and SIGTERM the same way. */
const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/**
 * Runs a script in this process, as if Node had been started with it. When npm or our launcher dies, the script gets
 * SIGTERM, so that nothing is left behind.
 * @param {string} script absolute path
 * @param {readonly string[]} args
 */
export async function becomeScript(script, args) {
  watchParent(() => process.kill(process.pid, 'SIGTERM'));
  delete process.env[LAUNCHED];
  process.argv = [process.execPath, script, ...args];
  await import(pathToFileURL(script).href);
}

/**
 * Continues with another Node as `exec` would: the same terminal, signals go to it, and this process ends as it ends,
 * also by a signal. The other one notices when this one is killed with -9. Node 20 has no `execve`.
 * @param {string} node
 * @param {readonly string[]} args
 */
export function runLikeExec(node, args) {
  const child = spawn(node, args, { stdio: 'inherit', env: { ...process.env, [LAUNCHED]: '1' } });
  const forward = (/** @type {NodeJS.Signals} */ signal) => child.kill(signal);
  for (const signal of SIGNALS) process.on(signal, forward);
  watchParent(() => child.kill('SIGTERM'));
  child.once('error', (error) => {
    process.stderr.write(`${node} does not start: ${error.message}\n`);
    process.exit(1);
  });
  child.once('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    for (const name of SIGNALS) process.off(name, forward);
    process.kill(process.pid, signal);
  });
}
