import { DatabaseError } from './errors.ts';

/**
 * Gives a query a deadline on this side, in milliseconds. The server's own holds only while the server can be reached:
 * on a connection that went silent, a query would wait for the network's timeout. The query itself is not cancelled.
 *
 * @throws {DatabaseError} DATABASE_TIMEOUT, retryable.
 */
export async function withDeadline<T>(
  timeoutMs: number,
  what: string,
  run: () => PromiseLike<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new DatabaseError('DATABASE_TIMEOUT', `${what}: no answer in time`, { retryable: true })),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([run(), late]);
  } finally {
    clearTimeout(timer);
  }
}
