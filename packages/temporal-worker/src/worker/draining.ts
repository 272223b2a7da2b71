import { AsyncLocalStorage } from 'node:async_hooks';
import type { ActivityInterceptorsFactory, Worker } from '@temporalio/worker';

const storage = new AsyncLocalStorage<AbortSignal>();
const NEVER = new AbortController().signal;

/** Aborts when the worker of the current activity begins to stop; outside of one it never does. */
export function drainingSignal(): AbortSignal {
  return storage.getStore() ?? NEVER;
}

/** What tells the activities of one worker that it begins to stop. The SDK tells them only when its grace has passed. */
export interface Draining {
  readonly interceptor: ActivityInterceptorsFactory;
  /** From now on a shutdown of the worker aborts the signal. */
  watch(worker: Worker): Worker;
}

/** Creates a {@link Draining} for one worker. */
export function createDraining(): Draining {
  const controller = new AbortController();
  return {
    interceptor: () => ({
      inbound: { execute: (input, next) => storage.run(controller.signal, () => next(input)) },
    }),
    watch: (worker) => {
      const shutdown = worker.shutdown.bind(worker);
      // Whoever asks the worker to stop, and the worker itself, calls this method.
      worker.shutdown = () => {
        controller.abort(new Error('the worker stops'));
        shutdown();
      };
      return worker;
    },
  };
}
