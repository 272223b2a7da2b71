import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCodeOf } from './errors.ts';
import { identify, isRunning, type ProcessIdentity } from './process-identity.ts';

/**
 * Runs a task while no other process runs one under the same lock file; a lock of a dead process does not count.
 * `onWait` is called once when another process has the lock.
 */
export async function withFileLock<T>(
  path: string,
  { signal, onWait }: { readonly signal: AbortSignal; readonly onWait?: (ownerPid: number) => void },
  task: () => Promise<T>,
): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(identify(process.pid)));
  try {
    let hasWaited = false;
    while (!tryLink(draft, path)) {
      const owner = readOwner(path);
      if (owner === undefined || !isRunning(owner)) {
        rmSync(path, { force: true });
        continue;
      }
      if (!hasWaited) onWait?.(owner.pid);
      hasWaited = true;
      await delay(500, undefined, { signal });
    }
  } finally {
    rmSync(draft, { force: true });
  }
  try {
    return await task();
  } finally {
    rmSync(path, { force: true });
  }
}

function tryLink(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function readOwner(path: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
