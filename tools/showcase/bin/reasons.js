// npm run reasons [-- REASON …]: builds, starts a stack of its own, and prints what heliograph explains of every reason.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from '../../stack/src/install.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const wanted = process.argv.slice(2);

try {
  await ensureInstalled(root, { print: (line) => console.error(line) });
  await build();
  const { showReasons } = await import('../src/show-reasons.js');
  process.exitCode = await showReasons({ root, wanted, print: (line) => console.log(line) });
} catch (error) {
  console.error(`reasons: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

/** @returns {Promise<void>} */
function build() {
  const projects = ['cli', 'dispatch-center', 'dispatch-workflows', 'simulators'];
  const names = projects.map((name) => `@heliograph/${name}`).join(',');
  const args = [`${root}node_modules/nx/dist/bin/nx.js`, 'run-many', '-t', 'build', 'bundle', '-p', names];
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
