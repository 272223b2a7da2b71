import { parentPort } from 'node:worker_threads';
import { runSchedule } from '@heliograph/dispatch-workflows/testing/model';

/** Schedules with consecutive seeds. */
export interface Chunk {
  readonly seed: number;
  readonly count: number;
}

/** What became of a chunk. */
export interface ChunkResult {
  /** Schedules that were run. */
  readonly count: number;
  /** The seed of the first one that broke a promise, after which no other was run. */
  readonly failed: number | null;
}

async function runChunk({ seed, count }: Chunk): Promise<ChunkResult> {
  for (let done = 0; done < count; done++) {
    const { violations } = await runSchedule(seed + done);
    if (violations.length > 0) return { count: done + 1, failed: seed + done };
  }
  return { count, failed: null };
}

parentPort?.on('message', (chunk: Chunk) => {
  void runChunk(chunk).then((result) => parentPort?.postMessage(result));
});
