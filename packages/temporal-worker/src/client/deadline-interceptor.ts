import type { ConnectionLike, WorkflowClientInterceptor } from '@temporalio/client';

/**
 * Gives every client call a deadline, since the SDK sets none: a call to a server that stopped answering would
 * wait for ever. A caller's own `withDeadline` around the call stays in force when it is shorter only by chance of
 * nesting; give `timeoutMs` as the outer bound.
 */
export function deadlineInterceptor(
  connection: ConnectionLike,
  timeoutMs: number,
): WorkflowClientInterceptor {
  const bounded = <T>(run: () => Promise<T>): Promise<T> =>
    connection.withDeadline(Date.now() + timeoutMs, run);
  return {
    start: (input, next) => bounded(() => next(input)),
    signal: (input, next) => bounded(() => next(input)),
    signalWithStart: (input, next) => bounded(() => next(input)),
    terminate: (input, next) => bounded(() => next(input)),
    cancel: (input, next) => bounded(() => next(input)),
    describe: (input, next) => bounded(() => next(input)),
    query: (input, next) => bounded(() => next(input)),
  };
}
