import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { runSchedule } from '@heliograph/dispatch-workflows/testing/model';
import type { Chunk, ChunkResult } from './run-chunk.ts';

/** What is simulated. */
export interface SimulationOptions {
  readonly schedules: number;
  /** Of the first schedule; each further one has the next number. */
  readonly seed: number;
  readonly print: (line: string) => void;
  /** Threads; default one for each core. */
  readonly threads?: number;
}

/** Schedules that a thread runs before it reports. */
const CHUNK = 200;
/** How often the progress is printed, in milliseconds. */
const PROGRESS_MS = 10_000;

/**
 * Runs schedules of the whole path in simulated time, in several threads. It stops at the first one that breaks a promise
 * and prints what happened in it; resolves to whether there was none.
 */
export async function runSimulation({
  schedules,
  seed,
  print,
  threads = availableParallelism(),
}: SimulationOptions): Promise<boolean> {
  const startedAt = performance.now();
  let next = seed;
  let done = 0;
  let failing: number | null = null;
  const perSecond = (): number => Math.round((done / (performance.now() - startedAt)) * 1000);
  const take = (): Chunk | null => {
    const left = seed + schedules - next;
    if (left <= 0 || failing !== null) return null;
    const chunk = { seed: next, count: Math.min(CHUNK, left) };
    next += chunk.count;
    return chunk;
  };
  const progress = setInterval(
    () => print(`${done} of ${schedules} schedules, ${perSecond()} per second`),
    PROGRESS_MS,
  );
  try {
    await Promise.all(
      Array.from({ length: threads }, () =>
        work(take, (result) => {
          done += result.count;
          const { failed } = result;
          if (failed !== null) failing = failing === null ? failed : Math.min(failing, failed);
        }),
      ),
    );
  } finally {
    clearInterval(progress);
  }
  if (failing !== null) await explain(failing, print);
  const summary = { scenario: 'dispatch-simulated', schedules: done, perSecond: perSecond(), seed };
  print(JSON.stringify({ ...summary, failingSeed: failing, passed: failing === null }));
  return failing === null;
}

/** Lets one thread work until there is nothing left to take. */
function work(take: () => Chunk | null, onResult: (result: ChunkResult) => void): Promise<void> {
  const worker = new Worker(new URL('run-chunk.ts', import.meta.url), {
    execArgv: ['--conditions=@heliograph/source'],
  });
  return new Promise((resolve, reject) => {
    const goOn = (): void => {
      const chunk = take();
      if (chunk !== null) worker.postMessage(chunk);
      else void worker.terminate().then(() => resolve(), reject);
    };
    worker.on('message', (result: ChunkResult) => {
      onResult(result);
      goOn();
    });
    worker.on('error', reject);
    goOn();
  });
}

/** Runs a schedule once more, and prints what happened in it: it is the same for the same seed. */
async function explain(seed: number, print: (line: string) => void): Promise<void> {
  const { trace, violations } = await runSchedule(seed, { isTracing: true });
  for (const line of trace) print(line);
  for (const violation of violations) print(`VIOLATION  ${violation}`);
  print(`again: npm run chaos -- dispatch --simulate --schedules 1 --seed ${seed}`);
}
