import { randomUUID } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCodeOf } from './errors.ts';
import { asIdentity, identify, isRunning, type ProcessIdentity } from './process-identity.ts';

/** A lock that was taken, or the process that has it; `undefined` while others replace a stale one. */
export type LockAttempt = { readonly release: () => void } | { readonly owner: ProcessIdentity | undefined };

const WAIT_MS = 500;

/**
 * Takes the lock file for this process, until it is released or the process is gone: the lock of a dead process does not
 * count. Releasing it leaves a lock alone that belongs to another by now.
 */
export function tryLock(path: string): LockAttempt {
  const mine = JSON.stringify(identify(process.pid));
  const draft = `${path}.${randomUUID()}`;
  writeFileSync(draft, mine, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 20; attempt++) {
      // A link appears with its content, and fails when the lock exists: no reader sees half a lock.
      if (tryLink(draft, path)) {
        return {
          release: () => {
            if (readText(path) === mine) rmSync(path, { force: true });
          },
        };
      }
      const found = readText(path);
      const owner = readIdentity(found);
      if (owner !== undefined && isRunning(owner)) return { owner };
      removeStale(path, found, `${draft}.stale`);
    }
  } finally {
    rmSync(draft, { force: true });
  }
  return { owner: undefined };
}

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
  let hasWaited = false;
  for (;;) {
    signal.throwIfAborted();
    const attempt = tryLock(path);
    if ('release' in attempt) {
      try {
        return await task();
      } finally {
        attempt.release();
      }
    }
    if (!hasWaited && attempt.owner !== undefined) {
      onWait?.(attempt.owner.pid);
      hasWaited = true;
    }
    await delay(WAIT_MS, undefined, { signal });
  }
}

/** Removes a lock whose content was found stale, and no other. */
function removeStale(path: string, found: string, aside: string): void {
  try {
    renameSync(path, aside);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return;
    throw error;
  }
  // Another process may have replaced the stale lock between reading and renaming: give its lock back.
  if (readText(aside) !== found && !existsSync(path)) renameSync(aside, path);
  rmSync(aside, { force: true });
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

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function readIdentity(text: string): ProcessIdentity | undefined {
  try {
    return asIdentity(JSON.parse(text));
  } catch {
    return undefined;
  }
}
