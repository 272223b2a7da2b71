import { setTimeout as sleep } from 'node:timers/promises';
import { startOrchestrator } from '@heliograph/dispatch-workflows/client';
import type { Stack } from '@heliograph/stack';
import { median, rounded, spread } from '../statistics.ts';
import { createBenchGround, type BenchGround } from './bench-ground.ts';
import { runProduct } from './shapes.ts';
import type { SinkProcess } from './sink-process.ts';

/** The product with encryption, compared with the product without. */
export interface EncryptionRun {
  /** Rate with encryption ÷ rate without; the median over rounds. */
  readonly ratioToPlain: number;
  readonly notificationsPerSecond: number;
  /** The least and the most of single rounds. */
  readonly least: number;
  readonly most: number;
}

/**
 * Runs the product without encryption on `plain`, and with it on a worker, databases and a namespace of its own, in turns: a
 * round is A-B-B-A or B-A-A-B. Resolves also to the events whose notifications are expected.
 */
export async function measureEncryption(
  plain: BenchGround,
  sink: SinkProcess,
  {
    stack,
    size,
    rounds,
    restMs,
    print,
  }: {
    readonly stack: Stack;
    /** Alerts of a block. */
    readonly size: number;
    readonly rounds: number;
    readonly restMs: number;
    readonly print: (line: string) => void;
  },
): Promise<{ readonly run: EncryptionRun; readonly eventIds: readonly string[] }> {
  const encrypted = await createBenchGround(stack, { isEncrypted: true });
  const running = encrypted.worker.run();
  const eventIds: string[] = [];
  /** Seconds that a block takes. */
  const block = async (ground: BenchGround): Promise<number> => {
    await sleep(restMs);
    const ran = await runProduct(ground, sink, size);
    eventIds.push(...ran.eventIds);
    return size / ran.perSecond;
  };
  const ratios: number[] = [];
  const rates: number[] = [];
  try {
    await startOrchestrator(encrypted.client);
    await block(encrypted);
    for (let round = 1; round <= rounds; round++) {
      const [outer, inner] = round % 2 === 1 ? [plain, encrypted] : [encrypted, plain];
      const first = await block(outer);
      const within = (await block(inner)) + (await block(inner));
      const without = first + (await block(outer));
      const [plainSeconds, encryptedSeconds] = round % 2 === 1 ? [without, within] : [within, without];
      ratios.push(plainSeconds / encryptedSeconds);
      rates.push((2 * size) / encryptedSeconds);
      print(
        `encryption, round ${round}: ${((2 * size) / plainSeconds).toFixed(1)}/s without, ${((2 * size) / encryptedSeconds).toFixed(1)}/s with`,
      );
    }
  } finally {
    await encrypted.worker.shutdown();
    await running;
    await encrypted.close();
  }
  print(`spread: encryption to plain ${spread(ratios, 2)}`);
  const run = {
    ratioToPlain: rounded(median(ratios), 3),
    notificationsPerSecond: rounded(median(rates), 1),
    least: rounded(Math.min(...ratios), 3),
    most: rounded(Math.max(...ratios), 3),
  };
  return { run, eventIds };
}
