// npm run chaos -- NAME [--quick] …: builds, starts a stack of its own, breaks it, and checks what came out.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from '../../stack/src/install.js';
import { parseChaosArguments, USAGE } from '../src/chaos-arguments.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const options = parseChaosArguments(process.argv.slice(2));
if (typeof options === 'string') {
  console.error(`chaos: ${options}; ${USAGE}`);
  process.exitCode = 2;
} else {
  try {
    await ensureInstalled(root, { print: console.log });
    await build();
    const { runDispatchChaos } = await import('../src/dispatch/run-dispatch-chaos.js');
    const passed = await runDispatchChaos({ ...options, root, print: console.log });
    process.exitCode = passed ? 0 : 1;
  } catch (error) {
    console.error(`chaos: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}

/** @returns {Promise<void>} */
function build() {
  const args = [
    `${root}node_modules/nx/dist/bin/nx.js`,
    'run-many',
    '-t',
    'build',
    '-p',
    '@heliograph/dispatch-center,@heliograph/dispatch-workflows,@heliograph/simulators',
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' },
    });
    /** @type {Buffer[]} */
    const output = [];
    child.stdout.on('data', (chunk) => output.push(chunk));
    child.once('error', reject).once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`the build failed:\n${Buffer.concat(output).toString('utf8')}`));
    });
  });
}
