import { setTimeout as sleep } from 'node:timers/promises';
import { CliError } from './errors.ts';

/** What is looked for, or why it is not there yet. */
export type Look<T> = { readonly found: T } | { readonly waitsFor: string };

const POLL_MS = 1000;

/**
 * Looks again and again until something is there. A look that fails in a way that may pass, such as a server that does not answer
 * for a moment, is another reason to wait.
 *
 * @throws {CliError} CLI_TIMED_OUT with the last reason, at the deadline; and what a look fails with for good.
 */
export async function waitUntil<T>(
  look: () => Promise<Look<T>>,
  {
    deadline,
    show,
    pollMs = POLL_MS,
  }: {
    /** In milliseconds since the epoch. */
    readonly deadline: number;
    readonly show: (reason: string) => void;
    readonly pollMs?: number;
  },
): Promise<T> {
  for (;;) {
    let seen: Look<T>;
    let cause: unknown;
    try {
      seen = await look();
    } catch (error) {
      if (!mayPass(error)) throw error;
      cause = error;
      seen = { waitsFor: error.message };
    }
    if ('found' in seen) return seen.found;
    show(seen.waitsFor);
    if (Date.now() > deadline)
      throw new CliError('CLI_TIMED_OUT', seen.waitsFor, cause === undefined ? {} : { cause });
    await sleep(pollMs);
  }
}

function mayPass(error: unknown): error is Error {
  return error instanceof Error && 'retryable' in error && error.retryable === true;
}
