import { setTimeout as sleep } from 'node:timers/promises';
import { startOrchestrator } from '@heliograph/dispatch-workflows/client';
import type { Stack } from '@heliograph/stack';
import { installTemporalRuntime } from '@heliograph/temporal-worker';
import { DefaultLogger } from '@temporalio/worker';
import { median, percentile, rounded, spread } from '../statistics.ts';
import { createBenchGround } from './bench-ground.ts';
import { countFaults, type FaultCounts } from './count-faults.ts';
import { readHistoryCosts } from './history-costs.ts';
import { measureEncryption, type EncryptionRun } from './measure-encryption.ts';
import { measurePushLatency } from './push-latency.ts';
import { measureRetryAfter, type RetryAfterRun } from './retry-after.ts';
import { runPeer, runProduct, type Block } from './shapes.ts';
import { startSinkProcess } from './sink-process.ts';

/** What `bench dispatch` measures. */
export interface DispatchReport extends FaultCounts {
  readonly name: 'dispatch';
  readonly ratioToCeiling: number;
  readonly ratioToNaive: number;
  readonly notificationsPerSecond: number;
  /** Everything else is measured without encryption, except for the real processes. */
  readonly encryption: EncryptionRun;
  readonly pushLatencyMs: { readonly p50: number; readonly p95: number; readonly p99: number };
  readonly retryAfter: RetryAfterRun;
  readonly eventsPerNotification: number;
  readonly signalsPerWorkflowTask: number;
}

/** What one block leaves to do (indexing, clean-up) should not be measured in the next. */
const REST_MS = 1000;

/** Runs the ceiling, the product and the naive implementation alternately, then the push latency of the real processes. */
export async function runDispatch(options: {
  /** Of the repository. */
  readonly root: string;
  readonly stack: Stack;
  readonly quick: boolean;
  readonly print: (line: string) => void;
}): Promise<DispatchReport> {
  const { root, stack, quick, print } = options;
  const size = quick ? 150 : 600;
  const rounds = quick ? 2 : 5;
  const sink = await startSinkProcess();
  installTemporalRuntime({ logger: new DefaultLogger('ERROR') });
  const ground = await createBenchGround(stack);
  print(
    `Temporal Server ${ground.serverVersion}, ${size} alerts a block, ${rounds} rounds, alternating ceiling – product – naive`,
  );
  const expected: string[] = [];
  const rates = { ceiling: [] as number[], product: [] as number[], naive: [] as number[] };
  const ratios = { ceiling: [] as number[], naive: [] as number[] };
  const running = ground.worker.run();
  let costs = { eventsPerWorkflow: Number.NaN, signalsPerWorkflowTask: Number.NaN };
  let burst = costs;
  let encryption: EncryptionRun;
  try {
    await startOrchestrator(ground.client);
    const product = async (blockSize: number, signals = 1): Promise<Block> => {
      const block = await runProduct(ground, sink, blockSize, signals);
      expected.push(...block.eventIds);
      return block;
    };
    await runPeer(ground, sink, 'drainOnly', 60);
    await product(60);
    expected.push(...(await runPeer(ground, sink, 'naiveAlert', 30)).eventIds);
    for (let round = 1; round <= rounds; round++) {
      // Alternately and with a rest before each, so that none always runs in the other's wake.
      const ceiling = async () => {
        await sleep(REST_MS);
        return runPeer(ground, sink, 'drainOnly', size);
      };
      let before = round % 2 === 1 ? await ceiling() : undefined;
      await sleep(REST_MS);
      const ours = await product(size);
      before ??= await ceiling();
      await sleep(REST_MS);
      const naive = await runPeer(ground, sink, 'naiveAlert', Math.ceil(size / 2));
      expected.push(...naive.eventIds);
      rates.ceiling.push(before.perSecond);
      rates.product.push(ours.perSecond);
      rates.naive.push(naive.perSecond);
      ratios.ceiling.push(ours.perSecond / before.perSecond);
      ratios.naive.push(ours.perSecond / naive.perSecond);
      print(
        `round ${round}: ceiling ${before.perSecond.toFixed(1)}/s, product ${ours.perSecond.toFixed(1)}/s, naive ${naive.perSecond.toFixed(1)}/s`,
      );
      if (round === 1) costs = await readHistoryCosts(ground, ours.routeId, 25);
    }
    const crowded = await product(20, 25);
    burst = await readHistoryCosts(ground, crowded.routeId, 20);
    const blocks = { stack, size: size / 2, rounds, restMs: REST_MS, print };
    const compared = await measureEncryption(ground, sink, blocks);
    encryption = compared.run;
    expected.push(...compared.eventIds);
  } finally {
    await ground.worker.shutdown();
    await running;
    await ground.close();
  }
  print(
    `spread: ceiling ${spread(rates.ceiling)}, product ${spread(rates.product)}, naive ${spread(rates.naive)} per second`,
  );
  print(`spread: to ceiling ${spread(ratios.ceiling, 2)}, to naive ${spread(ratios.naive, 2)}`);
  const latency = await measurePushLatency(root, stack, sink, { perSecond: 10, seconds: quick ? 8 : 30 });
  expected.push(...latency.warmEventIds, ...latency.eventIds);
  await sleep(500);
  const { received } = sink;
  await sink.stop();
  const retryAfter = await measureRetryAfter(root, stack);
  return {
    name: 'dispatch',
    ratioToCeiling: rounded(median(ratios.ceiling), 2),
    ratioToNaive: rounded(median(ratios.naive), 2),
    notificationsPerSecond: rounded(median(rates.product), 1),
    encryption,
    pushLatencyMs: {
      p50: Math.round(percentile(latency.latenciesMs, 0.5)),
      p95: Math.round(percentile(latency.latenciesMs, 0.95)),
      p99: Math.round(percentile(latency.latenciesMs, 0.99)),
    },
    retryAfter: retryAfter.run,
    eventsPerNotification: rounded(costs.eventsPerWorkflow, 1),
    signalsPerWorkflowTask: rounded(burst.signalsPerWorkflowTask, 1),
    ...countFaults(
      [...expected, ...retryAfter.arrivals.eventIds],
      [...received, ...retryAfter.arrivals.received],
    ),
  };
}
