import { spawn } from 'node:child_process';

/**
 * Runs a Node script for a test, which can wait for its output and its end.
 * @param env added to this process's
 */
export function observeProcess(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
) {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, HELIOGRAPH_DIRECTORY: undefined, npm_lifecycle_event: undefined, ...env },
  });
  let output = '';
  const watchers: Set<() => void> = new Set();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
      for (const watch of watchers) watch();
    });
  }
  const exitCode = new Promise((resolve: (code: number | string) => void) => {
    child.once('close', (code, signal) => {
      resolve(code ?? signal ?? '?');
      for (const watch of watchers) watch();
    });
  });
  return {
    child,
    exitCode,
    output: () => output,
    /** Resolves with the match once the output has it; rejects when the process ends without. */
    until: (pattern: RegExp) =>
      new Promise((resolve: (match: RegExpExecArray) => void, reject) => {
        const watch = () => {
          const match = pattern.exec(output);
          if (match !== null) resolve(match);
          else if (child.exitCode !== null || child.signalCode !== null)
            reject(new Error(`ended with: ${output}`));
          else return;
          watchers.delete(watch);
        };
        watchers.add(watch);
        watch();
      }),
  };
}
