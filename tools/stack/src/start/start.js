import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describeProcesses } from '../apps/describe-processes.js';
import { findApps, loadApps } from '../apps/find-apps.js';
import { StackError, messageOf } from '../errors.js';
import { describeEvent } from '../event-line.js';
import { configuredPort } from '../ports.js';
import { defaultParts, startStack } from '../start-stack.js';
import { deleteStateDirectory, hasState } from '../state-directory.js';
import { buildApps } from './build-apps.js';
import { stateTable } from './state-table.js';
import { watchStopRequests } from './stop-requests.js';

/** How long a demonstration may take to stop. */
const DEMO_STOP_MS = 5_000;

/**
 * Runs everything until a stop is requested, and gives the exit code: 0 after a clean stop, 1 when it could not
 * start, 130 after a forced stop.
 * @param {string} root of the repository
 * @param {Extract<import('./start-arguments.js').StartArguments, { kind: 'start' }>} options
 * @param {{ build?: typeof buildApps }} [edges] how apps are built; default by Nx
 * @returns {Promise<number>}
 */
export async function start(root, options, { build = buildApps } = {}) {
  /** @type {import('../start-stack.js').Stack | undefined} */
  let stack;
  const requests = watchStopRequests({
    onForce: () => {
      stack?.kill();
      process.exit(130);
    },
  });
  /** @type {{ stop(): Promise<void> }[]} */
  const demos = [];
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

/**
 * Starts the servers while Nx builds the apps; when one fails, the other is given up.
 * @param {string} root
 * @param {string} directory
 * @param {{ withApps: boolean, build: typeof buildApps, signal: AbortSignal }} options
 */
async function startServersAndBuild(root, directory, { withApps, build, signal }) {
  const failure = new AbortController();
  const either = AbortSignal.any([signal, failure.signal]);
  const ports = Object.fromEntries(defaultParts.map(({ name }) => [name, configuredPort(name, process.env)]));
  const onEvent = (/** @type {import('../supervised-process.js').StackEvent} */ event) => {
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
  /** @type {unknown} */
  let firstError;
  const abandon = (/** @type {unknown} */ error) => {
    firstError ??= error;
    failure.abort();
  };
  const [stack] = await Promise.all([starting.catch(abandon), building?.catch(abandon)]);
  if (firstError === undefined && stack !== undefined) return stack;
  await stack?.stop();
  throw firstError;
}

/**
 * @param {string} root
 * @param {import('../start-stack.js').Stack} stack
 * @param {{ withDemo: boolean, fresh: boolean, tell: (line: string) => void, signal: AbortSignal, demos: { stop(): Promise<void> }[] }} options
 */
async function startApps(root, stack, { withDemo, fresh, tell, signal, demos }) {
  /** @type {import('@heliograph/stack').AppGround} */
  const ground = {
    // Who has a collector of their own gets the traces there.
    env: process.env['OTEL_EXPORTER_OTLP_ENDPOINT']
      ? stack.env
      : { ...stack.env, HELIOGRAPH_TRACES_IN_CLICKHOUSE: 'true' },
    port: (name, wish) => stack.port(name, { ...wish, configured: configuredPort(name, process.env) }),
    secret: stack.secret,
  };
  /** @type {Map<unknown, readonly import('@heliograph/stack').AppProcessSpec[]>} */
  const started = new Map();
  const apps = await loadApps(root);
  for (const app of apps) {
    signal.throwIfAborted();
    const specs = await describeProcesses(app, ground);
    started.set(app, specs);
    await stack.run(specs);
  }
  for (const app of withDemo ? apps : []) {
    signal.throwIfAborted();
    const { definition } = app;
    if (definition.demo === undefined) continue;
    const url = (/** @type {string} */ role) =>
      started.get(app)?.find((spec) => spec.role === role)?.url ?? '';
    try {
      const { directory } = stack;
      demos.push(await definition.demo({ ...ground, directory, root, fresh, url, print: tell, signal }));
    } catch (error) {
      if (!signal.aborted) tell(`the demo of ${definition.name} failed: ${messageOf(error)}`);
    }
  }
}

/** @param {{ stop(): Promise<void> }} demo */
async function stopDemo(demo) {
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
  /** @type {string[] | undefined} */
  let held = [];
  return {
    tell: (/** @type {string} */ line) => (held === undefined ? print(line) : void held.push(line)),
    release() {
      for (const line of held ?? []) print(line);
      held = undefined;
    },
  };
}

/** @param {unknown} error */
function stackOf(error) {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** @param {string} line */
function print(line) {
  process.stdout.write(`${line}\n`);
}
