import type { ConnectionLike, WorkflowClientInterceptor } from '@temporalio/client';

/**
 * Gives client calls a deadline, since the SDK sets none: a call to a server that stopped answering would wait
 * forever. It replaces a caller's own `withDeadline` around the call. Waiting for a result or an update, counting,
 * listing and reading histories may rightly take long or pass no interceptor: bound those with
 * `connection.withDeadline` or `withAbortSignal`.
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
