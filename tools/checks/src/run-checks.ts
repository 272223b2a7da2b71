import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { clearResults, sumResults } from './test-results.ts';
import type { TestArguments } from './test-arguments.ts';

interface Step {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * The steps of `npm test`, in order: what needs no server first, the tests of whole systems last.
 * @param testNode the Node that runs the tests, and the servers that are ours; everything else runs on this one
 */
export function stepsOf(
  root: string,
  { selection, system }: Pick<TestArguments, 'selection' | 'system'>,
  testNode: string,
): readonly Step[] {
  const nx = join(root, 'node_modules/nx/dist/bin/nx.js');
  const nxArgs = (targets: string, parallel: number) => [
    nx,
    ...selection,
    '-t',
    ...targets.split(' '),
    `--parallel=${parallel}`,
    '--nxBail=false',
    '--outputStyle=static',
  ];
  const node = (name: string, args: readonly string[]) => ({
    name,
    command: process.execPath,
    args,
  });
  const systemTests = {
    ...node('tests of whole systems', nxArgs('system', 1)),
    env: { TEST_NODE: testNode },
  };
  if (system === 'only') return [node('build', nxArgs('build bundle', 2)), systemTests];
  return [
    node('format', [
      join(root, 'node_modules/prettier/bin/prettier.cjs'),
      '--check',
      '--log-level=warn',
      '.',
    ]),
    node('commit subjects', [join(root, 'tools/checks/bin/commit-subjects.ts')]),
    node('boundaries', [join(root, 'tools/boundaries/bin/boundaries.ts')]),
    node('unused code and dependencies', [
      join(root, 'node_modules/knip/bin/knip.js'),
      '--no-progress',
      '--no-config-hints',
    ]),
    {
      ...node('lint, typecheck, build and unit tests', nxArgs('lint typecheck isolate build bundle test', 2)),
      env: { TEST_NODE: testNode },
    },
    // These wait more than they compute, and each suite has databases and a namespace of its own.
    {
      name: 'tests on real servers',
      command: testNode,
      args: [join(root, 'tools/stack/bin/with-stack.ts'), '--', process.execPath, ...nxArgs('it', 2)],
      env: { TEST_NODE: testNode },
    },
    ...(system === 'too' ? [systemTests] : []),
  ];
}

/**
 * Runs every step, also after one that failed, and adds the results up. A failed step without a failed test in it
 * (a lint error, say) counts as one failure.
 */
export async function runChecks(
  root: string,
  steps: readonly Step[],
  { print, signal }: { print: (line: string) => void; signal: AbortSignal },
): Promise<{ passed: number; failed: number; skipped: number }> {
  clearResults(root);
  let failedSteps = 0;
  for (const { name, command, args, env = {} } of steps) {
    const before = sumResults(root).failed;
    const startedAt = performance.now();
    print(`── ${name}`);
    const code = await run(root, command, args, { env, signal });
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    print(`── ${name}: ${code === 0 ? 'ok' : `FAILED (exit code ${code})`} in ${seconds} s`);
    if (code !== 0 && sumResults(root).failed === before) failedSteps++;
    if (signal.aborted) break;
  }
  const sum = sumResults(root);
  return { ...sum, failed: sum.failed + failedSteps };
}

function run(
  cwd: string,
  command: string,
  args: readonly string[],
  { env, signal }: { env: Readonly<Record<string, string>>; signal: AbortSignal },
): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...env, NX_DAEMON: 'false', NX_TUI: 'false' },
    });
    const stop = () => child.kill('SIGTERM');
    signal.addEventListener('abort', stop, { once: true });
    child.once('error', () => resolve(127));
    child.once('close', (code) => {
      signal.removeEventListener('abort', stop);
      resolve(code ?? 1);
    });
  });
}
