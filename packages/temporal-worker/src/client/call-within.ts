import { type ConnectionLike, isGrpcServiceError } from '@temporalio/client';
import { TemporalSetupError } from '../errors.ts';

/** How long one call may take while a process starts. */
export const SETUP_TIMEOUT_MS = 10_000;

/** The gRPC status codes of a deadline that passed: DEADLINE_EXCEEDED of a client's connection, CANCELLED of a worker's. */
const TIMED_OUT: ReadonlySet<number> = new Set([4, 1]);

/**
 * Gives one raw call a deadline: the SDK sets none, so a service that stopped answering would hang a start for ever.
 *
 * @param what the call is for, as the error says it
 * @throws {TemporalSetupError} TEMPORAL_NO_ANSWER, retryable; other errors of the call as they are
 */
export async function callWithin<T>(
  connection: Pick<ConnectionLike, 'withDeadline'>,
  timeoutMs: number,
  what: string,
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await connection.withDeadline(Date.now() + timeoutMs, call);
  } catch (error) {
    if (!isGrpcServiceError(error) || !TIMED_OUT.has(error.code)) throw error;
    throw new TemporalSetupError(
      'TEMPORAL_NO_ANSWER',
      `the Temporal service did not answer within ${timeoutMs} ms when asked for ${what}; check that the service and its database are healthy`,
      { retryable: true, cause: error },
    );
  }
}
