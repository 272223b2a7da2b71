#!/usr/bin/env node
// The first step of every command: `run.js SCRIPT args…` installs what is missing, then continues with SCRIPT on the
// pinned Node; `--help` is printed before any installation where SCRIPT can. Plain JavaScript without dependencies,
// because it starts on Node 20.19 and before any installation.
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { becomeScript, runLikeExec } from '../src/continue-with.js';
import { ensureInstalled, installState } from '../src/install.js';
import { chooseNode } from '../src/pinned-node.js';
import { runUninstalled } from '../src/run-uninstalled.js';
import { watchParent } from '../src/watch-parent.js';

const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
const [script = '', ...args] = process.argv.slice(2);

// A reader that went away (`npm start | head`) must not end us half-way.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

const print = (/** @type {string} */ line) => void process.stderr.write(`${line}\n`);
const isHelp = args.includes('--help') || args.includes('-h');
if (isHelp && installState(root) === 'outdated' && (await runUninstalled(root, resolve(script), args)))
  process.exit();
const node = await prepare();
if (node === undefined) process.exit();
else if (node === process.execPath) await becomeScript(resolve(script), args);
else runLikeExec(node, [...process.execArgv, fileURLToPath(import.meta.url), script, ...args]);

/** Gives the Node to continue with; where there is none, the exit code is set. */
async function prepare() {
  const stop = new AbortController();
  const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
  const abort = (/** @type {NodeJS.Signals} */ signal) => {
    process.exitCode = 128 + constants.signals[signal];
    stop.abort();
  };
  for (const signal of signals) process.on(signal, abort);
  const unwatch = watchParent(() => abort('SIGTERM'));
  try {
    await ensureInstalled(root, { print, signal: stop.signal });
    const choice = chooseNode(root);
    if (choice.notice !== undefined) print(choice.notice);
    if (choice.path === undefined) process.exitCode = 1;
    // A signal that came while nothing was awaited is delivered only now.
    await new Promise((done) => void setImmediate(done));
    return stop.signal.aborted ? undefined : choice.path;
  } catch (error) {
    if (stop.signal.aborted) return undefined;
    print(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
    return undefined;
  } finally {
    unwatch();
    for (const signal of signals) process.off(signal, abort);
  }
}
