import { CodecError, isCodecError } from '../contract/errors.ts';

/** Runs work when there is room for it; it waits no longer than until the signal is aborted. */
export type Limiter = <T>(signal: AbortSignal, run: () => Promise<T>) => Promise<T>;

/** Lets at most `max` pieces of work run at once; the others wait in order. */
export function createLimiter(max: number): Limiter {
  const waiting = new Set<() => void>();
  let running = 0;
  const acquire = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const begin = (): void => {
        waiting.delete(begin);
        signal.removeEventListener('abort', abandon);
        running++;
        resolve();
      };
      const abandon = (): void => {
        waiting.delete(begin);
        reject(signal.reason);
      };
      if (running < max) return begin();
      waiting.add(begin);
      signal.addEventListener('abort', abandon, { once: true });
    });
  return async (signal, run) => {
    await acquire(signal);
    try {
      return await run();
    } finally {
      running--;
      const [next] = waiting;
      next?.();
    }
  };
}

const unlimited: Limiter = (_, run) => run();

/**
 * Calls the source of a key. The deadline covers the wait for room too, and holds for a source that ignores its signal.
 *
 * @throws CodecError of the source; CODEC_KEY_UNAVAILABLE at the deadline, and for any other error, whose text may hold
 *   anything and is not passed on.
 */
export async function callSource<T>(
  { id }: { readonly id: string },
  { timeoutMs, limit = unlimited }: { readonly timeoutMs: number; readonly limit?: Limiter },
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const { signal } = deadline;
  const late = new CodecError('CODEC_KEY_UNAVAILABLE', `Key ${id}: no answer within ${timeoutMs} ms.`, {
    keyId: id,
    retryable: true,
  });
  const timer = setTimeout(() => deadline.abort(late), timeoutMs);
  const untilDeadline = (): Promise<T> =>
    new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(late), { once: true });
      call(signal).then(resolve, reject);
    });
  try {
    return await limit(signal, untilDeadline);
  } catch (error) {
    if (isCodecError(error)) throw error;
    const name = error instanceof Error && /^\w{1,64}$/.test(error.name) ? error.name : 'an unknown error';
    throw new CodecError('CODEC_KEY_UNAVAILABLE', `Key ${id}: its source failed with ${name}.`, {
      keyId: id,
      retryable: true,
    });
  } finally {
    clearTimeout(timer);
  }
}
