// npm run bench -- NAME [--quick] [--json]: builds, starts a stack of its own, and runs one benchmark on it.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const NAMES = ['dispatch'];
const root = fileURLToPath(new URL('../../..', import.meta.url));
const [name = '', ...flags] = process.argv.slice(2);
const unknown = flags.find((flag) => flag !== '--quick' && flag !== '--json');

if (!NAMES.includes(name) || unknown !== undefined) {
  const what = unknown === undefined ? `no benchmark ${JSON.stringify(name)}` : `unknown argument ${unknown}`;
  console.error(
    `bench: ${what}; usage: npm run bench -- NAME [--quick] [--json], NAME one of ${NAMES.join(', ')}`,
  );
  process.exitCode = 2;
} else {
  try {
    const nx = [
      `${root}node_modules/nx/dist/bin/nx.js`,
      'run-many',
      '-t',
      'build',
      '-p',
      '@heliograph/bench,@heliograph/dispatch-center',
    ];
    const built = await run(nx, ['ignore', 'pipe', 'inherit']);
    process.exitCode =
      built === 0
        ? await run(
            [
              `${root}tools/stack/bin/with-stack.js`,
              '--profile',
              'local',
              '--',
              process.execPath,
              `${root}tools/bench/dist/main.js`,
              name,
              ...flags,
            ],
            'inherit',
          )
        : built;
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}

/**
 * @param {readonly string[]} args
 * @param {import('node:child_process').StdioOptions} stdio
 * @returns {Promise<number>}
 */
function run(args, stdio) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      stdio,
      env: { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' },
    });
    /** @type {Buffer[]} */
    const output = [];
    child.stdout?.on('data', (chunk) => output.push(chunk));
    // Ctrl-C reaches the whole group; this process only has to wait for the others.
    process.on('SIGINT', () => undefined);
    process.once('SIGTERM', () => child.kill('SIGTERM'));
    child.once('error', reject).once('close', (code) => {
      if (code !== 0 && output.length > 0) console.error(Buffer.concat(output).toString('utf8'));
      resolve(code ?? 1);
    });
  });
}
