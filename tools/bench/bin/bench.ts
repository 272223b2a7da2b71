import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '@heliograph/command-line';
import { buildApps, type Stack, startStack } from '@heliograph/stack';
import { assessCodec } from '../src/codec/assess-codec.ts';
import { runCodec } from '../src/codec/run-codec.ts';
import { assessCodecServer } from '../src/codec-server/assess-codec-server.ts';
import { runCodecServer } from '../src/codec-server/run-codec-server.ts';
import { assessDispatch } from '../src/dispatch/assess-dispatch.ts';
import { runDispatch } from '../src/dispatch/run-dispatch.ts';
import { formatGoals, type Goal } from '../src/goals.ts';
import { assessSaga } from '../src/saga/assess-saga.ts';
import { runSagaBench } from '../src/saga/run-saga.ts';
import { assessWorkerPools } from '../src/worker-pools/assess-worker-pools.ts';
import { runWorkerPools } from '../src/worker-pools/run-worker-pools.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

const command = {
  invocation: 'npm run bench --',
  summary: 'Measures a system and its references, and compares the figures with their goals.',
  positionals: {
    name: 'BENCHMARK',
    choices: ['dispatch', 'codec', 'codec-server', 'worker-pools', 'saga'],
    count: 'one',
  },
  options: {
    quick: { kind: 'flag', help: 'Fewer and smaller rounds; the same figures and goals.' },
    json: { kind: 'flag', help: 'Only the JSON object on standard output; the rest on standard error.' },
  },
} as const;

await runCommand(command, async ({ values, positionals: [name] }) => {
  const stream = values.json ? process.stderr : process.stdout;
  const print = (line: string): void => void stream.write(`${line}\n`);
  const tell = (report: object, goals: readonly Goal[]): void => {
    for (const line of formatGoals(goals)) print(line);
    console.log(JSON.stringify({ ...report, goals }));
  };
  if (name === 'codec') {
    const report = await runCodec({ quick: values.quick });
    tell(report, assessCodec(report));
    return 0;
  }
  if (name === 'worker-pools') {
    return onStack({ parts: ['temporal'], print }, async (stack) => {
      const report = await runWorkerPools({ stack, quick: values.quick, print });
      const { goals, exitCode } = assessWorkerPools(report);
      tell(report, goals);
      return exitCode;
    });
  }
  if (name === 'saga')
    return onStack({ parts: ['temporal'], print }, async (stack) => {
      const report = await runSagaBench({ stack, quick: values.quick, print });
      const { goals, exitCode } = assessSaga(report);
      tell(report, goals);
      return exitCode;
    });
  return name === 'codec-server'
    ? onStack({ app: '@heliograph/codec-server', parts: ['postgres'], print }, async (stack) => {
        const report = await runCodecServer({ root, stack, quick: values.quick });
        const { goals, exitCode } = assessCodecServer(report);
        tell(report, goals);
        return exitCode;
      })
    : onStack({ app: '@heliograph/dispatch-center', print }, async (stack) => {
        const report = await runDispatch({ root, stack, quick: values.quick, print });
        const { goals, exitCode } = assessDispatch(report);
        tell(report, goals);
        return exitCode;
      });
});

/** Measures an app, or packages alone, on a stack of its own, which ends with the run. */
async function onStack(
  {
    app,
    parts,
    print,
  }: { readonly app?: string; readonly parts?: readonly string[]; readonly print: (line: string) => void },
  measure: (stack: Stack) => Promise<0 | 1>,
): Promise<0 | 1> {
  const stop = new AbortController();
  const interrupt = (): void => stop.abort(new Error('interrupted'));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  if (app !== undefined) await buildApps(root, [app], stop.signal);
  const directory = mkdtempSync(join(tmpdir(), 'heliograph-bench-'));
  try {
    const { signal } = stop;
    const stack = await startStack({
      directory: join(directory, 'state'),
      profile: 'local',
      print,
      signal,
      ...(parts === undefined ? {} : { parts }),
    });
    const interrupted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
    try {
      return await Promise.race([measure(stack), interrupted]);
    } finally {
      await stack.stop();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
    // What was being measured must not keep an interrupted run alive.
    if (stop.signal.aborted) setTimeout(() => process.exit(1), 1000).unref();
  }
}
