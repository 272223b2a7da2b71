import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { asIdentity, isRunning, type ProcessIdentity, signalProcess, tryLock } from '@heliograph/bootstrap';
import { readJsonFile, writeFileAtomically } from './atomic-file.ts';
import { StackError } from './errors.ts';
import type { ProcessView } from './server-spec.ts';

/** The content of `run.json` while a stack runs. */
export interface RunState {
  readonly supervisor: ProcessIdentity;
  readonly startedAt: string;
  /** Addresses without passwords. */
  readonly env: Readonly<Record<string, string>>;
  readonly processes: readonly (ProcessView & {
    readonly startTime?: string;
    readonly guardStartTime?: string;
  })[];
}

const MARKER = '.heliograph-state';
const MARKER_TEXT = 'State of an embedded Heliograph stack. `npm start -- --fresh` deletes this folder.\n';

/**
 * Makes the state directory, or takes one that an earlier stack made.
 * @throws {StackError} STACK_FOREIGN_DIRECTORY when it holds something else
 */
export function openStateDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (existsSync(join(directory, MARKER))) return;
  if (readdirSync(directory).length > 0)
    throw foreign(directory, 'it is not empty and was not made by the stack');
  writeFileSync(join(directory, MARKER), MARKER_TEXT);
}

/**
 * Deletes a state directory; one that does not exist is fine.
 * @throws {StackError} STACK_FOREIGN_DIRECTORY when no stack made it
 * @throws {StackError} STACK_ALREADY_RUNNING
 */
export async function deleteStateDirectory(directory: string): Promise<void> {
  if (!existsSync(directory)) return;
  if (!existsSync(join(directory, MARKER)))
    throw foreign(directory, `it has no ${MARKER} and is not deleted`);
  const release = lockStateDirectory(directory);
  try {
    await endLeftovers(directory);
    for (const entry of readdirSync(directory)) {
      if (entry !== MARKER && entry !== 'lock')
        rmSync(join(directory, entry), { recursive: true, force: true });
    }
  } finally {
    release();
  }
}

/** Says whether an earlier stack has left data in the directory. */
export function hasState(directory: string): boolean {
  return existsSync(join(directory, 'ports.json'));
}

/**
 * Takes the directory for this process, until the returned function is called or the process is gone.
 * @throws {StackError} STACK_ALREADY_RUNNING
 */
export function lockStateDirectory(directory: string): () => void {
  const attempt = tryLock(join(directory, 'lock'));
  if ('release' in attempt) return attempt.release;
  const { owner } = attempt;
  throw new StackError(
    'STACK_ALREADY_RUNNING',
    owner === undefined
      ? `${resolve(directory)} is being taken by another process; try again`
      : `already running: process ${owner.pid} uses ${resolve(directory)}; stop it first (kill ${owner.pid})`,
  );
}

/**
 * Ends what a killed supervisor left behind and waits until it is gone. Call it with the lock held.
 *
 * Its guards stop their servers by themselves; only a server whose guard is dead too needs a signal from here.
 */
export async function endLeftovers(directory: string): Promise<void> {
  const state = readRunState(directory);
  if (state === undefined) return;
  const guards = state.processes.map(({ guardPid, guardStartTime }) =>
    asIdentity({ pid: guardPid, startTime: guardStartTime }),
  );
  const servers = state.processes.map(({ pid, startTime }) => asIdentity({ pid, startTime }));
  const deadlineMs = performance.now() + 20_000;
  while (guards.some(isAlive) && performance.now() < deadlineMs) await delay(50);
  for (const left of [...guards, ...servers]) if (left !== undefined) signalProcess(left, 'SIGKILL');
  while (servers.some(isAlive) && performance.now() < deadlineMs + 5_000) await delay(20);
  rmSync(join(directory, 'run.json'), { force: true });
}

/** Writes `run.json`. */
export function writeRunState(directory: string, state: RunState): void {
  writeFileAtomically(join(directory, 'run.json'), `${JSON.stringify(state, undefined, 2)}\n`);
}

/** Reads `run.json`; `undefined` when no stack runs here or the file is damaged. */
export function readRunState(directory: string): RunState | undefined {
  const content = readJsonFile(join(directory, 'run.json'));
  return isRunState(content) ? content : undefined;
}

function isRunState(content: unknown): content is RunState {
  return (
    typeof content === 'object' &&
    content !== null &&
    'processes' in content &&
    Array.isArray(content.processes)
  );
}

export function removeRunState(directory: string): void {
  rmSync(join(directory, 'run.json'), { force: true });
}

function foreign(directory: string, why: string): StackError {
  return new StackError(
    'STACK_FOREIGN_DIRECTORY',
    `${resolve(directory)} is no state directory: ${why}; choose another with HELIOGRAPH_DIRECTORY`,
  );
}

function isAlive(identity: ProcessIdentity | undefined): boolean {
  return identity !== undefined && isRunning(identity);
}
