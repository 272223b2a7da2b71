// npm run histories: records the workflow histories of every package that has a recorder, on a stack of its own.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const { status } = spawnSync(
  process.execPath,
  [
    'tools/stack/bin/with-stack.ts',
    '--',
    process.execPath,
    'node_modules/nx/dist/bin/nx.js',
    'run-many',
    '-t',
    'histories',
    '--parallel=1',
    '--outputStyle=static',
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit', env: { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' } },
);
process.exitCode = status ?? 1;
