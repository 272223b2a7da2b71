import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { StackError } from '../errors.ts';

/**
 * Builds packages and everything they need; output is shown only when it fails.
 * @throws {StackError} STACK_BUILD_FAILED
 */
export async function buildApps(
  root: string,
  packageNames: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  if (packageNames.length === 0) return;
  const nx = join(root, 'node_modules/.bin/nx');
  const args = [
    nx,
    'run-many',
    '-t',
    'build',
    'bundle',
    '-p',
    packageNames.join(','),
    '--outputStyle=static',
  ];
  await new Promise((resolve: (value: void) => void, reject) => {
    // Nx's daemon would outlive us.
    const env = { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' };
    const child = spawn(process.execPath, args, {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else
        reject(
          new StackError(
            'STACK_BUILD_FAILED',
            `${output.trimEnd()}\nthe build failed; the messages above say where`,
          ),
        );
    });
  });
}
