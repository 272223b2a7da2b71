import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findApps, loadApps, toServerSpec } from '../app-definition.js';
import { StackError, messageOf } from '../errors.js';
import { describeEvent } from '../event-line.js';
import { configuredPort } from '../ports.js';
import { defaultParts, knownParts, startStack } from '../start-stack.js';
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
  // Who has a collector of their own keeps it.
  const parts = process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] ? defaultParts : knownParts;
  const ports = Object.fromEntries(parts.map(({ name }) => [name, configuredPort(name, process.env)]));
  const onEvent = (/** @type {import('../supervised-process.js').StackEvent} */ event) => {
    const line = describeEvent(event);
    if (line !== undefined) print(line);
  };
  const starting = startStack({ directory, profile: 'local', parts, ports, print, onEvent, signal: either });
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
  /** @type {import('../app-definition.js').AppContext} */
  const context = {
    env: stack.env,
    directory: stack.directory,
    root,
    fresh,
    port: (name, preferred) => stack.port(name, { configured: configuredPort(name, process.env), preferred }),
    secret: stack.secret,
    print: tell,
    signal,
  };
  const apps = await loadApps(root);
  for (const { definition, folder } of apps) {
    signal.throwIfAborted();
    const specs = await definition.processes(context);
    await stack.run(specs.map((spec) => toServerSpec(spec, { folder, env: stack.env })));
  }
  for (const { definition } of withDemo ? apps : []) {
    signal.throwIfAborted();
    if (definition.demo === undefined) continue;
    try {
      demos.push(await definition.demo(context));
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
