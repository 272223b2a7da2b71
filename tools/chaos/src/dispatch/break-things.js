import { setTimeout as sleep } from 'node:timers/promises';
import { WORKERS } from './dispatch-processes.js';
import { planBreaks } from './scenario.js';

/**
 * @typedef {import('./scenario.js').Victim} Victim
 * @typedef {object} BreakReport
 * @property {Record<Victim, number>} kills
 * @property {number} scanning of the orchestrator's kills, how many met a scan
 * @property {number} together kills while an earlier victim was not back yet
 * @property {readonly string[]} idle what was broken while nothing was under way, which would prove nothing
 *
 * @typedef {object} BreakOptions
 * @property {import('@heliograph/stack').Stack} stack
 * @property {Pick<import('./dispatch-processes.js').DispatchProcesses, 'workerPid' | 'isWorkerReady'>} processes
 * @property {import('@heliograph/simulators').TcpProxy} proxy
 * @property {import('./find-orchestrator.js').OrchestratorFinder} finder
 * @property {() => number} received how much the receiver has got so far
 * @property {number} kills
 * @property {number} seed
 * @property {() => number} random
 * @property {(line: string) => void} print
 * @property {(done: number, all: number) => void} onBreak
 * @property {AbortSignal} signal
 */

/** How long PostgreSQL hangs for the workers, longer than a first attempt may take. */
const FREEZE_MS = 6000;
/** How long to wait for work before a break meets an idle system; longer than an activity of a dead worker is missed. */
const WORK_WITHIN_MS = 30_000;
const BACK_WITHIN_MS = 120_000;
const TICK_MS = 50;

/**
 * Breaks one thing after another while work is under way. A server that was killed is waited for (it could not be
 * killed again before), a worker is not while the other one lives.
 * @param {BreakOptions} options
 * @returns {Promise<BreakReport>}
 */
export async function breakThings(options) {
  const { proxy, received, random, print, signal } = options;
  const plan = planBreaks(options);
  /** @type {Record<Victim, number>} */
  const kills = { worker: 0, orchestrator: 0, temporal: 0, postgres: 0, clickhouse: 0, api: 0 };
  /** @type {string[]} */
  const idle = [];
  let together = 0;
  let scanning = 0;
  let before = received();
  const afterWork = async (/** @type {string} */ what) => {
    const deadline = performance.now() + WORK_WITHIN_MS;
    while (received() === before && performance.now() < deadline) await sleep(TICK_MS, undefined, { signal });
    if (received() === before)
      idle.push(`nothing was received in the ${WORK_WITHIN_MS / 1000} s before ${what}`);
  };
  let isTogether = false;
  for (const [index, next] of plan.entries()) {
    const what = next.kind === 'freeze' ? 'PostgreSQL hung' : `the kill of ${next.victim}`;
    if (isTogether) together++;
    else {
      await until('everything that is needed runs', () => isWorking(options), signal);
      await afterWork(what);
      await sleep(200 + random() * 1300, undefined, { signal });
    }
    if (next.kind === 'freeze') {
      print(`${FREEZE_MS / 1000} s in which PostgreSQL hangs for the workers`);
      proxy.freeze();
      await sleep(FREEZE_MS, undefined, { signal });
      proxy.thaw();
      isTogether = false;
    } else {
      const { name, isScanning } = await choose(next.victim, options);
      if (isScanning) scanning++;
      const { pid } = await running(name, options);
      print(
        `kill -9 ${name} (pid ${pid})${next.victim === 'orchestrator' ? `, the orchestrator${isScanning ? ' in a scan' : ''}` : ''}${isTogether ? ', together' : ''}`,
      );
      process.kill(pid, 'SIGKILL');
      kills[next.victim]++;
      await until(`${name} is seen to be gone`, () => pidOf(name, options) !== pid, signal);
      const following = plan[index + 1];
      isTogether = next.together && following?.kind === 'kill' && following.victim !== next.victim;
    }
    // What arrives from now on was under way after this break.
    before = received();
    options.onBreak(index + 1, plan.length);
  }
  await until('everything that is needed runs', () => isWorking(options), signal);
  await afterWork('the end');
  return { kills, scanning, together, idle };
}

/**
 * @param {Victim} victim
 * @param {BreakOptions} options
 * @returns {Promise<{ name: string, isScanning: boolean }>}
 */
async function choose(victim, options) {
  if (victim === 'orchestrator') {
    const found = await options.finder.find(options.signal);
    if (found !== null && WORKERS.includes(found.identity))
      return { name: found.identity, isScanning: found.scanning };
  } else if (victim !== 'worker') return { name: victim, isScanning: false };
  const alive = WORKERS.filter((name) => pidOf(name, options) !== undefined);
  const from = alive.length === 0 ? WORKERS : alive;
  return { name: from[Math.floor(options.random() * from.length)] ?? 'worker-1', isScanning: false };
}

/**
 * Waits until a process has a pid that can be killed.
 * @param {string} name
 * @param {BreakOptions} options
 * @returns {Promise<{ pid: number }>}
 */
async function running(name, options) {
  await until(`${name} runs`, () => pidOf(name, options) !== undefined, options.signal);
  const pid = pidOf(name, options);
  if (pid === undefined) throw new Error(`${name} does not run, so it cannot be killed`);
  return { pid };
}

/** @param {Pick<BreakOptions, 'stack' | 'processes'>} options */
async function isWorking({ stack, processes }) {
  const views = stack.processes();
  if (!views.every(({ state }) => state === 'ready')) return false;
  const workers = await Promise.all(WORKERS.map((name) => processes.isWorkerReady(name)));
  return workers.includes(true);
}

/**
 * @param {string} name
 * @param {Pick<BreakOptions, 'stack' | 'processes'>} options
 */
function pidOf(name, { stack, processes }) {
  if (WORKERS.includes(name)) return processes.workerPid(name);
  const view = stack.processes().find((process) => process.name === name);
  return view?.state === 'ready' ? view.pid : undefined;
}

/**
 * @param {string} what
 * @param {() => boolean | Promise<boolean>} isSo
 * @param {AbortSignal} signal
 */
async function until(what, isSo, signal) {
  const deadline = performance.now() + BACK_WITHIN_MS;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`not within ${BACK_WITHIN_MS / 1000} s: ${what}`);
    await sleep(TICK_MS, undefined, { signal });
  }
}
