import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { withFileLock } from '@heliograph/bootstrap';
import { cacheDirectory } from '@heliograph/stack';

const run = promisify(execFile);

/**
 * Provides a Python with the packages of a file in `python/` (default: the Temporal SDK), in an environment of its own in the
 * user's cache; resolves to its path. Only files with a recorded SHA-256 are installed.
 *
 * @throws {Error} without CPython 3.11 or newer, or if the packages cannot be installed.
 */
export async function providePython(file = 'requirements.txt'): Promise<string> {
  const requirements = fileURLToPath(new URL(`../python/${file}`, import.meta.url));
  const python = process.env['PYTHON'] ?? 'python3';
  const { stdout } = await run(python, ['-c', 'import sys; print(sys.version, sys.prefix)']);
  const hash = createHash('sha256').update(stdout).update(readFileSync(requirements)).digest('hex');
  const folder = join(cacheDirectory(process.env), 'python', hash.slice(0, 16));
  const complete = join(folder, 'complete');
  const interpreter = join(folder, 'bin', 'python');
  return withFileLock(
    `${folder}.lock`,
    { signal: AbortSignal.timeout(300_000), onWait: () => undefined },
    async () => {
      if (existsSync(complete)) return interpreter;
      rmSync(folder, { recursive: true, force: true });
      await run(python, ['-m', 'venv', folder]);
      const install = [
        'install',
        '--quiet',
        '--require-hashes',
        '--only-binary=:all:',
        '--requirement',
        requirements,
      ];
      await run(interpreter, ['-m', 'pip', '--disable-pip-version-check', ...install]);
      writeFileSync(complete, '');
      return interpreter;
    },
  );
}
