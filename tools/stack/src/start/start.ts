import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { AppGround, AppProcessSpec } from '../apps/app-definition.ts';
import { describeProcesses } from '../apps/describe-processes.ts';
import { findApps, loadApps } from '../apps/find-apps.ts';
import { StackError, messageOf } from '../errors.ts';
import { describeEvent } from '../event-line.ts';
import { configuredPort } from '../ports.ts';
import type { StackEvent } from '../server-spec.ts';
import type { Stack } from '../stack.ts';
import { defaultParts, startStack } from '../start-stack.ts';
import { deleteStateDirectory, hasState } from '../state-directory.ts';
import { buildApps } from './build-apps.ts';
import { stateTable } from './state-table.ts';
import { watchStopRequests } from './stop-requests.ts';

/** How long a demo may take to stop. */
const DEMO_STOP_MS = 5_000;

/** What to start. */
export interface StartOptions {
  readonly withApps: boolean;
  readonly withDemo: boolean;
  /** Deletes the state first. */
  readonly isFresh: boolean;
}

/**
 * Runs the servers and apps of the repository at `root` until a stop is requested, and gives the exit code: 0 after a
 * clean stop, 1 when it could not start, 130 after a forced stop. Apps are built by Nx unless `build` is given.
 */
export async function start(
  root: string,
  options: StartOptions,
  { build = buildApps }: { build?: typeof buildApps } = {},
): Promise<number> {
  let stack: Stack | undefined;
  const requests = watchStopRequests({
    onForce: () => {
      stack?.kill();
      process.exit(130);
    },
  });
  const demos: { stop(): Promise<void> }[] = [];
  let exitCode = 0;
  try {
    const directory = resolve(root, process.env['HELIOGRAPH_DIRECTORY'] ?? '.heliograph');
    if (options.isFresh) await deleteStateDirectory(directory);
    const fresh = !hasState(directory);
    stack = await startServersAndBuild(root, directory, { ...options, build, signal: requests.signal });
    const lines = holdLines();
    if (options.withApps) {
      const apps = startApps(root, stack, {
        ...options,
        fresh,
        tell: lines.tell,
        signal: requests.signal,
        demos,
      });
      // An app that does not look at the signal must not hold up the stop.
      await Promise.race([apps, requests.requested]);
    }
    requests.signal.throwIfAborted();
    print(
      `${stateTable(stack.processes())}\nstate and logs in ${directory}\nready in ${process.uptime().toFixed(1)} s`,
    );
    lines.release();
    await requests.requested;
  } catch (error) {
    if (!requests.signal.aborted) {
      exitCode = 1;
      process.stderr.write(`${error instanceof StackError ? error.message : stackOf(error)}\n`);
    }
  }
  if (requests.signal.aborted) print('stopping');
  for (const demo of demos.toReversed()) await stopDemo(demo);
  await stack?.stop();
  requests.close();
  return exitCode;
}

/** Starts the servers while Nx builds the apps; when one fails, the other is aborted. */
async function startServersAndBuild(
  root: string,
  directory: string,
  { withApps, build, signal }: { withApps: boolean; build: typeof buildApps; signal: AbortSignal },
): Promise<Stack> {
  const failure = new AbortController();
  const either = AbortSignal.any([signal, failure.signal]);
  const ports = Object.fromEntries(defaultParts.map(({ name }) => [name, configuredPort(name, process.env)]));
  const onEvent = (event: StackEvent) => {
    const line = describeEvent(event);
    if (line !== undefined) print(line);
  };
  const starting = startStack({ directory, profile: 'local', ports, print, onEvent, signal: either });
  const building = withApps
    ? build(
        root,
        findApps(root).map(({ packageName }) => packageName),
        either,
      )
    : undefined;
  let firstError: unknown;
  const abandon = (error: unknown) => {
    firstError ??= error;
    failure.abort();
  };
  const [stack] = await Promise.all([starting.catch(abandon), building?.catch(abandon)]);
  if (firstError === undefined && stack !== undefined) return stack;
  await stack?.stop();
  throw firstError;
}

async function startApps(
  root: string,
  stack: Stack,
  {
    withDemo,
    fresh,
    tell,
    signal,
    demos,
  }: {
    withDemo: boolean;
    fresh: boolean;
    tell: (line: string) => void;
    signal: AbortSignal;
    demos: { stop(): Promise<void> }[];
  },
): Promise<void> {
  const ground: AppGround = {
    // Who has a collector of their own gets the traces there.
    env: process.env['OTEL_EXPORTER_OTLP_ENDPOINT']
      ? stack.env
      : { ...stack.env, HELIOGRAPH_TRACES_IN_CLICKHOUSE: 'true' },
    port: (name, wish) => stack.port(name, { ...wish, configured: configuredPort(name, process.env) }),
    secret: stack.secret,
    keyRingFile: stack.keyRingFile,
  };
  const started: Map<unknown, readonly AppProcessSpec[]> = new Map();
  const apps = await loadApps(root);
  for (const app of apps) {
    signal.throwIfAborted();
    const specs = await describeProcesses(app, ground, { others: apps });
    started.set(app, specs);
    await stack.run(specs);
  }
  for (const app of withDemo ? apps : []) {
    signal.throwIfAborted();
    const { definition } = app;
    if (definition.demo === undefined) continue;
    const url = (role: string) => started.get(app)?.find((spec) => spec.role === role)?.url ?? '';
    try {
      const { directory } = stack;
      demos.push(await definition.demo({ ...ground, directory, root, fresh, url, print: tell, signal }));
    } catch (error) {
      if (!signal.aborted) tell(`the demo of ${definition.name} failed: ${messageOf(error)}`);
    }
  }
}

async function stopDemo(demo: { stop(): Promise<void> }): Promise<void> {
  const inTime = new AbortController();
  const late = delay(DEMO_STOP_MS, undefined, { signal: inTime.signal }).then(() =>
    print('the demo did not stop in time'),
  );
  try {
    await Promise.race([demo.stop(), late]);
  } catch (error) {
    print(`the demo did not stop: ${messageOf(error)}`);
  } finally {
    inTime.abort();
    await late.catch(() => {});
  }
}

/** Holds lines back until the table is printed. */
function holdLines() {
  let held: string[] | undefined = [];
  return {
    tell: (line: string) => (held === undefined ? print(line) : void held.push(line)),
    release() {
      for (const line of held ?? []) print(line);
      held = undefined;
    },
  };
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
