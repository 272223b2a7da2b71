// npm run histories: records the workflow histories of every package that has a recorder, on a stack of its own.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { runCommand } from '@heliograph/command-line';

const root = fileURLToPath(new URL('../../..', import.meta.url));

const command = {
  invocation: 'npm run histories --',
  summary:
    'Records the workflow histories that are missing, on real servers. Existing ones stay as they are.',
  options: {},
} as const;

await runCommand(command, async () => {
  const nx = ['node_modules/nx/dist/bin/nx.js', 'run-many', '-t', 'histories'];
  const options = ['--parallel=1', '--outputStyle=static'];
  const { status } = spawnSync(
    process.execPath,
    ['tools/stack/bin/with-stack.ts', '--', process.execPath, ...nx, ...options],
    { cwd: root, stdio: 'inherit', env: { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' } },
  );
  return status ?? 1;
});
