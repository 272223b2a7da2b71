// node keep-running.ts PID-FILE command args…: runs a command and restarts it soon after it dies, however often. The stack
// backs off longer after each death, which is right for what breaks and too slow for what is killed on purpose.
import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';

/** Pause after a death by a signal, in milliseconds. */
const AFTER_KILL_MS = 300;
/** Pause after an exit, for example because a server that it needs is unavailable, in milliseconds. */
const AFTER_EXIT_MS = 1500;

const [pidFile = '', command = '', ...args] = process.argv.slice(2);
let child: ChildProcess | undefined;
let timer: NodeJS.Timeout | undefined;
let isStopping = false;

function run(): void {
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

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    isStopping = true;
    clearTimeout(timer);
    child?.kill('SIGTERM');
  });
}
run();
