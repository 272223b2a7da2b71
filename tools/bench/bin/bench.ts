import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '@heliograph/command-line';
import { buildApps, startStack } from '@heliograph/stack';
import { assessDispatch } from '../src/dispatch/assess-dispatch.ts';
import { runDispatch } from '../src/dispatch/run-dispatch.ts';
import { formatGoals } from '../src/goals.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

const command = {
  invocation: 'npm run bench --',
  summary:
    'Measures a system and its references on a separate stack, and compares the figures with their goals.',
  positionals: { name: 'BENCHMARK', choices: ['dispatch'], count: 'one' },
  options: {
    quick: { kind: 'flag', help: 'Fewer and smaller rounds; the same figures and goals.' },
    json: { kind: 'flag', help: 'Only the JSON object on standard output; the rest on standard error.' },
  },
} as const;

await runCommand(command, async ({ values }) => {
  const stream = values.json ? process.stderr : process.stdout;
  const print = (line: string): void => void stream.write(`${line}\n`);
  const stop = new AbortController();
  const interrupt = (): void => stop.abort(new Error('interrupted'));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  await buildApps(root, ['@heliograph/dispatch-center'], stop.signal);
  const directory = mkdtempSync(join(tmpdir(), 'heliograph-bench-'));
  try {
    const { signal } = stop;
    const stack = await startStack({ directory: join(directory, 'state'), profile: 'local', print, signal });
    const interrupted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
    try {
      const measured = runDispatch({ root, stack, quick: values.quick, print });
      const report = await Promise.race([measured, interrupted]);
      const { goals, exitCode } = assessDispatch(report);
      for (const line of formatGoals(goals)) print(line);
      console.log(JSON.stringify({ ...report, goals }));
      return exitCode;
    } finally {
      await stack.stop();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
    // What was being measured must not keep an interrupted run alive.
    if (stop.signal.aborted) setTimeout(() => process.exit(1), 1000).unref();
  }
});
