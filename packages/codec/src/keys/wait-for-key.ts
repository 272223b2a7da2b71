import { isCodecError } from '../contract/errors.ts';
import type { CodecKey } from './codec-key.ts';

/** Options of {@link createKeyWait}; durations in milliseconds. */
export interface KeyWaitOptions {
  /** Ends all waiting, now and later: who waits gets the error of the last attempt. */
  readonly signal?: AbortSignal | undefined;
  /** Receives how each wait ended. */
  readonly onEnd: (outcome: 'found' | 'failed') => void;
  /** From 0 to 1. Spreads the attempts of processes that wait for the same source. */
  readonly random: () => number;
}

/** How to find a key, and how long to wait for it. */
export interface KeySearch {
  /** Says which key it is: searches of the same name share their attempts. */
  readonly name: () => string;
  readonly find: () => CodecKey | Promise<CodecKey>;
  /** How long to look for it, attempts included, in milliseconds; at 0, one attempt is all. */
  readonly maxWaitMs: number;
}

const FIRST_DELAY_MS = 500;
const LAST_DELAY_MS = 5000;

/** Attempts that are repeated for everybody who waits for one key. */
interface Wait {
  readonly found: Promise<CodecKey>;
  waiters: number;
  /** Why the last attempt failed. */
  problem: unknown;
  stop(): void;
}

/**
 * Makes what finds keys, and repeats an attempt that failed with a retryable `CodecError`: a source that is away for a
 * moment fails nothing. Delays grow from half a second to five. However many wait for a key, it is asked for once at a
 * time; each waits no longer than it wants to, and what is not retryable ends the wait of all.
 */
export function createKeyWait({
  signal,
  onEnd,
  random,
}: KeyWaitOptions): (search: KeySearch) => CodecKey | Promise<CodecKey> {
  const waits = new Map<string, Wait>();
  const startWait = (name: string, find: KeySearch['find'], problem: unknown): Wait => {
    let timer: NodeJS.Timeout | undefined;
    let isStopped = false;
    const pause = (delayMs: number): Promise<void> =>
      new Promise((resolve) => {
        timer = setTimeout(resolve, delayMs);
      });
    const search = async (): Promise<CodecKey> => {
      for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(LAST_DELAY_MS, delayMs * 2)) {
        await pause(delayMs * (1 - random() / 4));
        try {
          return await find();
        } catch (error) {
          if (isStopped || !isRetryable(error)) throw error;
          wait.problem = error;
        }
      }
    };
    const wait: Wait = {
      found: search(),
      waiters: 0,
      problem,
      stop() {
        isStopped = true;
        clearTimeout(timer);
        waits.delete(name);
      },
    };
    waits.set(name, wait);
    return wait;
  };
  const waitFor = async (
    { name, find, maxWaitMs }: KeySearch,
    startedAt: number,
    problem: unknown,
  ): Promise<CodecKey> => {
    const leftMs = maxWaitMs - (performance.now() - startedAt);
    if (leftMs <= 0 || signal?.aborted === true || !isRetryable(problem)) throw problem;
    const wait = waits.get(name()) ?? startWait(name(), find, problem);
    wait.waiters++;
    let timer: NodeJS.Timeout | undefined;
    let giveUp = (): void => undefined;
    const end = new Promise<never>((_, reject) => {
      giveUp = () => reject(wait.problem);
      timer = setTimeout(giveUp, leftMs);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
    try {
      const key = await Promise.race([wait.found, end]);
      onEnd('found');
      return key;
    } catch (error) {
      onEnd('failed');
      throw error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
      wait.waiters--;
      if (wait.waiters === 0) wait.stop();
    }
  };
  return (search) => {
    const startedAt = performance.now();
    try {
      const key = search.find();
      if (!(key instanceof Promise)) return key;
      return key.catch((problem: unknown) => waitFor(search, startedAt, problem));
    } catch (problem) {
      return waitFor(search, startedAt, problem);
    }
  };
}

function isRetryable(error: unknown): boolean {
  return isCodecError(error) && error.retryable;
}
