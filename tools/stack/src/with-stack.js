import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from './errors.js';
import { describeEvent } from './event-line.js';
import { startStack } from './start-stack.js';

const USAGE = 'usage: with-stack [--profile local|test] [--directory DIR] [--parts NAME,…] -- command args…';

/**
 * @typedef {{ profile: 'local' | 'test', directory: string | undefined, parts: readonly string[] | undefined, command: string, args: readonly string[] }} WithStackArguments
 */

/**
 * Reads the arguments of `with-stack`; a text says what is wrong with them.
 * @param {readonly string[]} argv
 * @returns {WithStackArguments | string}
 */
export function parseWithStack(argv) {
  /** @type {'local' | 'test'} */
  let profile = 'test';
  /** @type {string | undefined} */
  let directory;
  /** @type {readonly string[] | undefined} */
  let parts;
  for (let index = 0; index < argv.length; index++) {
    const flag = argv[index];
    const value = argv[index + 1];
    if (flag === '--') {
      if (value === undefined) return 'no command after --';
      return { profile, directory, parts, command: value, args: argv.slice(index + 2) };
    }
    if (flag === '--profile' && (value === 'local' || value === 'test')) profile = value;
    else if (flag === '--directory' && value !== undefined && value !== '--') directory = value;
    else if (flag === '--parts' && value !== undefined && value !== '--') parts = value.split(',');
    else return `unknown or incomplete argument ${flag}`;
    index++;
  }
  return 'no -- command';
}

/**
 * Runs a command while a stack of its own is up and gives the command's exit code (128 + n when signal n ended it).
 *
 * The stack lives in a temporary directory that is deleted afterwards, unless a directory is given.
 * @param {readonly string[]} argv
 * @returns {Promise<number>} also 1 when the stack does not start, 2 for wrong arguments
 */
export async function withStack(argv) {
  const parsed = parseWithStack(argv);
  if (typeof parsed === 'string') {
    process.stderr.write(`${parsed}; ${USAGE}\n`);
    return 2;
  }
  const directory = parsed.directory ?? mkdtempSync(join(tmpdir(), 'heliograph-'));
  const interrupted = new AbortController();
  let endedBy = 0;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let child;
  const onSignal = (/** @type {NodeJS.Signals} */ signal) => {
    endedBy = 128 + constants.signals[signal];
    interrupted.abort();
    // A Ctrl-C in a terminal reaches the command too, and a second one could make it give up its own clean-up.
    if (signal === 'SIGINT') setTimeout(() => child?.kill(signal), 1000).unref();
    else child?.kill(signal);
  };
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, onSignal);
  /** @type {import('./start-stack.js').Stack | undefined} */
  let stack;
  try {
    const onEvent = (/** @type {import('./supervised-process.js').StackEvent} */ event) => {
      const line = describeEvent(event);
      if (line !== undefined) print(line);
    };
    stack = await startStack({
      directory,
      profile: parsed.profile,
      ...(parsed.parts === undefined ? {} : { parts: parsed.parts }),
      print,
      onEvent,
      signal: interrupted.signal,
    });
    const { env } = stack;
    return await new Promise((resolve) => {
      child = spawn(parsed.command, parsed.args, { stdio: 'inherit', env: { ...process.env, ...env } });
      child.once('error', (error) => {
        print(`${parsed.command} cannot be started: ${error.message}`);
        resolve(127);
      });
      child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']));
    });
  } catch (error) {
    if (endedBy !== 0) return endedBy;
    print(messageOf(error));
    return 1;
  } finally {
    await stack?.stop();
    if (parsed.directory === undefined) rmSync(directory, { recursive: true, force: true });
    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
      process.off(signal, onSignal);
  }
}

/** @param {string} line */
function print(line) {
  process.stderr.write(`${line}\n`);
}
