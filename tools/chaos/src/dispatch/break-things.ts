import { setTimeout as sleep } from 'node:timers/promises';
import type { Random, TcpProxy } from '@heliograph/simulators';
import type { Stack } from '@heliograph/stack';
import type { OrchestratorFinder } from './find-orchestrator.ts';
import { WORKERS, type RunningDispatch } from './launch-dispatch.ts';
import { planBreaks, type Break, type Silenced, type Victim } from './scenario.ts';

export interface BreakReport {
  readonly kills: Readonly<Record<Victim, number>>;
  /** How many of the orchestrator's kills met a scan. */
  readonly scanning: number;
  /** Kills while an earlier victim was not back yet. */
  readonly together: number;
  /** How often PostgreSQL hung. */
  readonly freezes: number;
  /** How often connections were silenced. */
  readonly silences: number;
  /** Faults that were injected while nothing was under way, and so prove nothing. */
  readonly idle: readonly string[];
}

export interface BreakOptions {
  readonly stack: Stack;
  readonly dispatch: RunningDispatch;
  /** Between the workers and their databases. */
  readonly proxies: Readonly<Record<Silenced, TcpProxy>>;
  readonly silences: readonly Silenced[];
  readonly finder: OrchestratorFinder;
  /** How many requests the receiver has had so far. */
  readonly received: () => number;
  readonly kills: number;
  readonly seed: number;
  readonly random: Random;
  readonly print: (line: string) => void;
  readonly onBreak: (done: number, all: number) => void;
  readonly signal: AbortSignal;
}

/** How long PostgreSQL hangs for the workers: longer than a first attempt may take. */
const FREEZE_MS = 6000;
/** How long to wait for work before a break: longer than it takes to notice that a worker is dead. */
const WORK_WITHIN_MS = 30_000;
const BACK_WITHIN_MS = 120_000;
const TICK_MS = 50;

/**
 * Breaks one thing after another while work is under way. It waits until a killed server is back, because it could not be
 * killed again before; for a worker it does not wait while the other one lives.
 */
export async function breakThings(options: BreakOptions): Promise<BreakReport> {
  const { proxies, received, random, print, signal } = options;
  const plan = planBreaks(options);
  const kills = { worker: 0, orchestrator: 0, temporal: 0, postgres: 0, clickhouse: 0, api: 0 };
  const idle: string[] = [];
  let together = 0;
  let scanning = 0;
  let freezes = 0;
  let silences = 0;
  let before = received();
  const awaitWork = async (what: string): Promise<void> => {
    const deadline = performance.now() + WORK_WITHIN_MS;
    while (received() === before && performance.now() < deadline) await sleep(TICK_MS, undefined, { signal });
    if (received() === before)
      idle.push(`nothing was received in the ${WORK_WITHIN_MS / 1000} s before ${what}`);
  };
  const awaitSystem = (): Promise<void> => until('the system works', () => isWorking(options), signal);
  let isTogether = false;
  for (const [index, next] of plan.entries()) {
    const what = describeBreak(next);
    if (isTogether) together++;
    else {
      await awaitSystem();
      await awaitWork(what);
      await sleep(200 + random() * 1300, undefined, { signal });
    }
    if (next.kind === 'freeze') {
      print(`PostgreSQL hangs for the workers, for ${FREEZE_MS / 1000} s`);
      freezes++;
      proxies.postgres.freeze();
      await sleep(FREEZE_MS, undefined, { signal });
      proxies.postgres.thaw();
      isTogether = false;
    } else if (next.kind === 'silence') {
      print(`the open connections of the workers to ${next.server} fall silent`);
      silences++;
      proxies[next.server].silenceOpenConnections();
      isTogether = false;
    } else {
      const { name, isScanning } = await choose(next.victim, options);
      if (isScanning) scanning++;
      const pid = await awaitPid(name, options);
      const role =
        next.victim === 'orchestrator' ? `, the orchestrator${isScanning ? ' in a scan' : ''}` : '';
      print(`kill -9 ${name} (pid ${pid})${role}${isTogether ? ', together' : ''}`);
      process.kill(pid, 'SIGKILL');
      kills[next.victim]++;
      await until(`${name} is gone`, () => findPid(name, options) !== pid, signal);
      const following = plan[index + 1];
      isTogether = next.together && following?.kind === 'kill' && following.victim !== next.victim;
    }
    // What arrives from now on was under way after this break.
    before = received();
    options.onBreak(index + 1, plan.length);
  }
  await awaitSystem();
  await awaitWork('the end');
  return { kills, scanning, together, freezes, silences, idle };
}

function describeBreak(next: Break): string {
  switch (next.kind) {
    case 'freeze':
      return 'PostgreSQL hung';
    case 'silence':
      return `the connections to ${next.server} fell silent`;
    case 'kill':
      return `the kill of ${next.victim}`;
  }
}

async function choose(
  victim: Victim,
  options: BreakOptions,
): Promise<{ readonly name: string; readonly isScanning: boolean }> {
  if (victim === 'orchestrator') {
    const found = await options.finder.find(options.signal);
    if (found !== null && WORKERS.includes(found.identity))
      return { name: found.identity, isScanning: found.isScanning };
  } else if (victim !== 'worker') return { name: victim, isScanning: false };
  const alive = WORKERS.filter((name) => findPid(name, options) !== undefined);
  const from = alive.length === 0 ? WORKERS : alive;
  return { name: from[Math.floor(options.random() * from.length)] ?? 'worker-1', isScanning: false };
}

/** Waits until a process has a pid that can be killed. */
async function awaitPid(name: string, options: BreakOptions): Promise<number> {
  await until(`${name} runs`, () => findPid(name, options) !== undefined, options.signal);
  const pid = findPid(name, options);
  if (pid === undefined) throw new Error(`${name} does not run, so it cannot be killed`);
  return pid;
}

async function isWorking({ stack, dispatch }: BreakOptions): Promise<boolean> {
  if (!stack.processes().every(({ state }) => state === 'ready')) return false;
  const workers = await Promise.all(WORKERS.map((name) => dispatch.isWorkerReady(name)));
  return workers.includes(true);
}

function findPid(name: string, { stack, dispatch }: BreakOptions): number | undefined {
  if (WORKERS.includes(name)) return dispatch.workerPid(name);
  const view = stack.processes().find((process) => process.name === name);
  return view?.state === 'ready' ? view.pid : undefined;
}

async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + BACK_WITHIN_MS;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`not within ${BACK_WITHIN_MS / 1000} s: ${what}`);
    await sleep(TICK_MS, undefined, { signal });
  }
}
