import { DatabaseError } from './errors.ts';

/**
 * Lets at most `max` pieces of work run at once; the others wait for their turn in order, so that a deadline of theirs
 * begins when they do. One that waits longer than `maxWaitMs` is given up without having begun.
 *
 * @throws {DatabaseError} DATABASE_TIMEOUT, retryable.
 */
export function createLimiter(
  max: number,
  maxWaitMs: number,
): <T>(what: string, run: () => Promise<T>) => Promise<T> {
  const waiting = new Set<() => void>();
  let running = 0;
  const turn = (what: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const begin = (): void => {
        clearTimeout(timer);
        waiting.delete(begin);
        running++;
        resolve();
      };
      const timer = setTimeout(() => {
        waiting.delete(begin);
        reject(new DatabaseError('DATABASE_TIMEOUT', `${what}: too much is waiting`, { retryable: true }));
      }, maxWaitMs);
      if (running < max) begin();
      else waiting.add(begin);
    });
  return async (what, run) => {
    await turn(what);
    try {
      return await run();
    } finally {
      running--;
      const [next] = waiting;
      next?.();
    }
  };
}
