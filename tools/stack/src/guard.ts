/**
 * The guard of one server: `node guard.ts SIGNAL GRACE_MS -- command args…`
 *
 * It starts the command in a process group of its own and stops it when stdin ends: by SIGNAL, after GRACE_MS by
 * SIGKILL. The other end of stdin belongs to the supervisor, so the kernel closes it even when the supervisor is
 * killed with -9. On descriptor 3 it reports JSON lines: `{"pid":…}`, then `{"code":…,"signal":…}`.
 *
 * The command's own stdin is a pipe of the guard: a command that watches it learns of the guard's death too.
 */
import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';

const [signal, graceMs, , command = '', ...args] = process.argv.slice(2);

function report(message: object): void {
  try {
    writeSync(3, `${JSON.stringify(message)}\n`);
  } catch {
    // The supervisor is gone; there is nobody to tell.
  }
}

const child = spawn(command, args, { stdio: ['pipe', 'inherit', 'inherit'], detached: true });
child.stdin.on('error', () => {});

let killTimer: NodeJS.Timeout | undefined;
function stop(): void {
  try {
    if (child.pid !== undefined && child.exitCode === null) process.kill(child.pid, signal);
  } catch {
    // It ended by itself a moment ago.
  }
  killTimer ??= setTimeout(() => child.kill('SIGKILL'), Number(graceMs));
}

process.stdin.on('end', stop).on('error', stop).resume();
for (const ignored of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(ignored, () => {});

child.on('spawn', () => report({ pid: child.pid }));
child.on('error', (error) => {
  if (child.pid !== undefined) return;
  process.stderr.write(`${error.message}\n`);
  report({ code: 127, signal: null });
  process.exit(127);
});
child.on('exit', (code, endedBy) => {
  clearTimeout(killTimer);
  report({ code, signal: endedBy });
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nothing of the group is left.
  }
  process.exit(code ?? (endedBy === 'SIGKILL' ? 137 : 143));
});
