import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from './errors.ts';
import { describeEvent } from './event-line.ts';
import type { StackEvent } from './server-spec.ts';
import type { Stack, StackProfile } from './stack.ts';
import { startStack } from './start-stack.ts';

/** What `with-stack` was asked to do. */
export type WithStackArguments =
  | {
      readonly kind: 'run';
      readonly profile: StackProfile;
      readonly directory: string | undefined;
      readonly parts: readonly string[] | undefined;
      readonly command: string;
      readonly args: readonly string[];
    }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly problem: string };

const USAGE = `Usage: npm run with-stack -- [options] COMMAND [argument…]

Runs a command with its own embedded servers, and exits with the exit code of the command.

Options:
  --profile local|test  test (default): workflows may skip time, PostgreSQL without fsync; local: as npm start
  --directory DIR       Keep the state there. Default: a temporary directory that is deleted afterwards.
  --parts NAME,…        Of postgres, clickhouse, temporal. Default: all.
  --help                Print this text.
`;

/** Parses the arguments of `with-stack`; the first one that is no option begins the command. */
export function parseWithStack(argv: readonly string[]): WithStackArguments {
  let profile: StackProfile = 'test';
  let directory: string | undefined;
  let parts: readonly string[] | undefined;
  for (let index = 0; index < argv.length; index += 2) {
    const [option = '', value] = argv.slice(index);
    if (option === '--help' || option === '-h') return { kind: 'help' };
    if (option === '--' || !option.startsWith('-')) {
      const [command, ...args] = argv.slice(option === '--' ? index + 1 : index);
      if (command === undefined) break;
      return { kind: 'run', profile, directory, parts, command, args };
    }
    const isGiven = value !== undefined && !value.startsWith('-');
    if (option === '--profile' && (value === 'local' || value === 'test')) profile = value;
    else if (option === '--directory' && isGiven) directory = value;
    else if (option === '--parts' && isGiven) parts = value.split(',');
    else return { kind: 'wrong', problem: `unknown or incomplete option ${option}` };
  }
  return { kind: 'wrong', problem: 'no command given' };
}

/**
 * Runs a command with its own stack and returns the command's exit code: 128 + n when signal n ended it, 1 when the
 * stack does not start, 2 for wrong arguments.
 *
 * The stack lives in a temporary directory that is deleted afterwards, unless a directory is given.
 */
export async function withStack(argv: readonly string[]): Promise<number> {
  const parsed = parseWithStack(argv);
  if (parsed.kind === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  if (parsed.kind === 'wrong') {
    print(`with-stack: ${parsed.problem}; try npm run with-stack -- --help`);
    return 2;
  }
  const directory = parsed.directory ?? mkdtempSync(join(tmpdir(), 'heliograph-'));
  const interrupted = new AbortController();
  let endedBy = 0;
  let child: ChildProcess | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    endedBy = 128 + constants.signals[signal];
    interrupted.abort();
    // A Ctrl-C in a terminal reaches the command too, and a second one could make it give up its own clean-up.
    if (signal === 'SIGINT') setTimeout(() => child?.kill(signal), 1000).unref();
    else child?.kill(signal);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  let stack: Stack | undefined;
  try {
    const onEvent = (event: StackEvent) => {
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
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, onSignal);
  }
}

function print(line: string): void {
  process.stderr.write(`${line}\n`);
}
