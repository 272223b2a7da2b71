// node keep-running.js PID-FILE command args…: runs a command and starts it again soon after it died, however often. The
// stack's own care waits longer after each death, which is right for what breaks and too slow for what is broken on purpose.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';

/** After a death by a signal, in milliseconds. */
const AFTER_KILL_MS = 300;
/** After it ended by itself, such as because a server that it needs is away, in milliseconds. */
const AFTER_EXIT_MS = 1500;

const [pidFile = '', command = '', ...args] = process.argv.slice(2);
/** @type {import('node:child_process').ChildProcess | undefined} */
let child;
/** @type {NodeJS.Timeout | undefined} */
let timer;
let isStopping = false;

function run() {
  const started = spawn(command, args, { stdio: 'inherit' });
  child = started;
  if (started.pid !== undefined) writeFileSync(pidFile, String(started.pid));
  started.once('error', (error) => {
    console.error(`${command} cannot be started: ${error.message}`);
    process.exitCode = 1;
  });
  started.once('exit', (_, signal) => {
    child = undefined;
    writeFileSync(pidFile, '');
    if (!isStopping) timer = setTimeout(run, signal === null ? AFTER_EXIT_MS : AFTER_KILL_MS);
  });
}

for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT'])) {
  process.on(signal, () => {
    isStopping = true;
    clearTimeout(timer);
    child?.kill('SIGTERM');
  });
}
run();
