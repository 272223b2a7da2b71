import { setTimeout as sleep } from 'node:timers/promises';
import type { SinkProcess } from './sink-process.ts';

/** A receiver that gets nothing for this long will not get the rest either: more than any pause between attempts. */
const STANDSTILL_MS = 40_000;

/**
 * Waits until everything has arrived, or until the sink has received nothing for 40 s. A busy machine is slow, and only
 * what never arrives is lost.
 */
export async function awaitArrivals(
  sink: Pick<SinkProcess, 'received'>,
  isComplete: () => boolean,
  options: { readonly pollMs: number; readonly standstillMs?: number },
): Promise<void> {
  const { pollMs, standstillMs = STANDSTILL_MS } = options;
  let count = sink.received.length;
  let changedAt = performance.now();
  while (!isComplete() && performance.now() - changedAt < standstillMs) {
    await sleep(pollMs);
    if (sink.received.length === count) continue;
    count = sink.received.length;
    changedAt = performance.now();
  }
}
