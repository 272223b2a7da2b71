import { join, resolve } from 'node:path';
import { identify, startTimeOf } from '@heliograph/bootstrap';
import { StackError } from './errors.ts';
import { openKeyRingFile } from './key-ring-file.ts';
import { clickhousePart } from './parts/clickhouse.ts';
import type { Part } from './parts/part.ts';
import { postgresPart } from './parts/postgres.ts';
import { temporalPart } from './parts/temporal.ts';
import { PortBook } from './ports.ts';
import { openSecrets } from './secrets.ts';
import type { ProcessView, ServerSpec } from './server-spec.ts';
import type { Stack, StackOptions } from './stack.ts';
import {
  endLeftovers,
  lockStateDirectory,
  openStateDirectory,
  removeRunState,
  writeRunState,
} from './state-directory.ts';
import { SupervisedProcess } from './supervised-process.ts';

/** The parts of a stack unless others are asked for; they are stopped in the reverse order. */
export const defaultParts = Object.freeze([postgresPart, clickhousePart, temporalPart]);

/**
 * Starts the embedded servers and resolves once all of them answer.
 *
 * A server that dies is restarted on its port. When this process dies, even by kill -9, the servers end too.
 * @throws {StackError} STACK_ALREADY_RUNNING, STACK_FOREIGN_DIRECTORY, STACK_PORT_TAKEN, STACK_TEMPORAL_MISSING,
 *   STACK_BINARY_MISSING or STACK_START_FAILED; nothing is left running then
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const directory = resolve(options.directory);
  const parts = selectParts(options.parts ?? defaultParts);
  openStateDirectory(directory);
  const unlock = lockStateDirectory(directory);
  try {
    await endLeftovers(directory);
    return await startLocked({ ...options, directory, parts, unlock });
  } catch (error) {
    unlock();
    throw error;
  }
}

async function startLocked({
  directory,
  parts,
  unlock,
  profile = 'local',
  ports = {},
  onEvent = () => {},
  print = () => {},
  signal,
}: Omit<StackOptions, 'parts'> & { parts: readonly Part[]; unlock: () => void }): Promise<Stack> {
  const startedAt = new Date().toISOString();
  const supervisor = identify(process.pid) ?? { pid: process.pid, startTime: '' };
  const stopRequested = new AbortController();
  const book = new PortBook(directory);
  const secret = openSecrets(directory);
  const keyRingFile = openKeyRingFile(directory);
  /** one group per part, in the order of the stop from last to first */
  const groups: SupervisedProcess[][] = parts.map(() => []);
  const env: Record<string, string> = {};
  const addresses: Record<string, string> = {};
  let isStopped = false;

  const views = () => groups.flat().map((it) => it.view());
  const save = () => {
    if (isStopped) return;
    const processes = views().map((view) => ({
      ...view,
      ...startTimes(view),
    }));
    writeRunState(directory, { supervisor, startedAt, env: addresses, processes });
  };
  const supervise = (spec: ServerSpec) =>
    new SupervisedProcess(spec, {
      logPath: join(directory, 'logs', `${spec.name}.log`),
      onEvent,
      onChange: save,
    });

  const startPart = async (part: Part, group: SupervisedProcess[]) => {
    for (let attempt = 1; ; attempt++) {
      const started = await part.start({
        directory,
        profile,
        port: (name, preferred) =>
          book.port(
            name,
            name === part.name
              ? { configured: ports[name], preferred: profile === 'local' ? preferred : undefined }
              : {},
          ),
        secret,
        print,
        signal: stopRequested.signal,
        env,
      });
      stopRequested.signal.throwIfAborted();
      Object.assign(env, started.env);
      Object.assign(addresses, started.addresses);
      group.splice(0, group.length, ...started.processes.map(supervise));
      try {
        await Promise.all(group.map((it) => it.start()));
        return;
      } catch (error) {
        await Promise.all(group.map((it) => it.stop()));
        // Somebody was quicker between choosing a port and listening on it: choose again.
        const mayRetry = error instanceof StackError && error.retryable && attempt < 4;
        if (!mayRetry || ports[part.name] !== undefined) throw error;
        book.forget((name) => name === part.name || name.startsWith(`${part.name}-`));
      }
    }
  };

  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= (async () => {
      stopRequested.abort();
      for (const group of groups.toReversed()) await Promise.all(group.map((it) => it.stop()));
      isStopped = true;
      removeRunState(directory);
      unlock();
    })();
    return stopping;
  };
  const giveUp = () => void stop();
  signal?.addEventListener('abort', giveUp, { once: true });

  try {
    signal?.throwIfAborted();
    await startInOrder(parts, (part, index) => startPart(part, groups[index] ?? []));
    stopRequested.signal.throwIfAborted();
  } catch (error) {
    await stop();
    throw error;
  } finally {
    signal?.removeEventListener('abort', giveUp);
  }
  save();

  return {
    directory,
    env: Object.freeze({ ...env }),
    processes: views,
    port: (name, wish) => book.port(name, wish),
    secret,
    keyRingFile,
    stop,
    kill: () => groups.flat().forEach((it) => it.kill()),
    async run(specs) {
      stopRequested.signal.throwIfAborted();
      const added = specs.map(supervise);
      groups.push(added);
      const stopAdded = async (): Promise<void> => {
        await Promise.all(added.map((it) => it.stop()));
        const index = groups.indexOf(added);
        if (index !== -1) groups.splice(index, 1);
        save();
      };
      try {
        await Promise.all(added.map((it) => it.start()));
      } catch (error) {
        await stopAdded();
        throw error;
      }
      return { stop: stopAdded };
    },
  };
}

/**
 * Starts each part as soon as those it comes after are ready; after a failure it still waits for the others, so that
 * the caller can stop them all.
 */
async function startInOrder(
  parts: readonly Part[],
  start: (part: Part, index: number) => Promise<void>,
): Promise<void> {
  const started: Map<string, Promise<void>> = new Map();
  for (const [index, part] of parts.entries()) {
    const earlier = part.after.map(async (name) => started.get(name));
    started.set(
      part.name,
      Promise.all(earlier).then(() => start(part, index)),
    );
  }
  const outcomes = await Promise.allSettled(started.values());
  const failures = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason);
  if (failures.length > 0) throw failures.find((reason) => reason instanceof StackError) ?? failures[0];
}

function selectParts(wanted: readonly (string | Part)[]): readonly Part[] {
  const parts = wanted.map((it) =>
    typeof it === 'string' ? (defaultParts.find(({ name }) => name === it) ?? it) : it,
  );
  const ordered: Part[] = [];
  for (const part of parts) {
    if (typeof part === 'string') {
      throw new StackError(
        'STACK_PART_UNKNOWN',
        `there is no part ${part}; known are ${defaultParts.map(({ name }) => name).join(', ')}`,
      );
    }
    const missing = part.after.find((name) => !ordered.some((earlier) => earlier.name === name));
    if (missing !== undefined)
      throw new StackError('STACK_PART_UNKNOWN', `part ${part.name} needs ${missing} before it`);
    ordered.push(part);
  }
  return ordered;
}

function startTimes({ pid, guardPid }: ProcessView) {
  const startTime = pid === undefined ? undefined : startTimeOf(pid);
  const guardStartTime = guardPid === undefined ? undefined : startTimeOf(guardPid);
  return {
    ...(startTime === undefined ? {} : { startTime }),
    ...(guardStartTime === undefined ? {} : { guardStartTime }),
  };
}
