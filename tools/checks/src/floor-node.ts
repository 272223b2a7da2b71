import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { NODE_PACKAGES } from '@heliograph/bootstrap';
import { cacheDirectory } from '@heliograph/stack';

const run = promisify(execFile);

/** Its lockfile holds the release and the checksum for each platform. */
const FLOOR = fileURLToPath(new URL('../floor', import.meta.url));

/**
 * Finds the oldest Node that packages promise, and installs it into the user's cache where it is missing. The
 * installation of the repository stays as it is.
 * @returns the path of its binary
 * @throws {Error} for a platform without a package, and with npm's output when the installation fails
 */
export async function ensureFloorNode({
  print,
  signal,
}: {
  print: (line: string) => void;
  signal: AbortSignal;
}): Promise<string> {
  const platform = `${process.platform}-${process.arch}`;
  const name = NODE_PACKAGES[platform];
  if (name === undefined) throw new Error(`npm has no Node package for ${platform}`);
  const lock = readFileSync(join(FLOOR, 'package-lock.json'));
  const cache = join(cacheDirectory(process.env), 'floor-node');
  const folder = join(cache, createHash('sha256').update(lock).digest('hex').slice(0, 16));
  const binary = join(folder, 'node_modules', name, 'bin/node');
  if (existsSync(binary)) return binary;
  print('installing the oldest Node that packages promise');
  mkdirSync(cache, { recursive: true });
  const draft = mkdtempSync(join(cache, 'draft-'));
  try {
    for (const file of ['package.json', 'package-lock.json']) cpSync(join(FLOOR, file), join(draft, file));
    const args = [
      'ci',
      '--ignore-scripts',
      '--include=optional',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ];
    await run('npm', args, { cwd: draft, signal });
    if (!existsSync(folder)) renameSync(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return binary;
}
