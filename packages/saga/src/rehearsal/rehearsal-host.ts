import { CancelledFailure } from '@temporalio/common';
import { SagaError } from '../errors.ts';
import { isFailureForGood, summarizeFailure } from '../explain-failure.ts';
import type { SagaHost } from '../host.ts';

/** A place where a saga runs without a server. */
export interface RehearsalHost extends SagaHost {
  /** Cancels the whole run. */
  cancel(): void;
}

interface VirtualTimer {
  readonly at: number;
  end(hasFired: boolean): void;
}

/** Microtasks after which nothing more happens by itself: far more than any chain between two events takes. */
const TURNS = 100;

/** Creates a place with virtual time: it passes only when nothing but timers is left to wait for. */
export function createRehearsalHost(id: string): RehearsalHost {
  const timers = new Set<VirtualTimer>();
  const listeners: (() => void)[] = [];
  let now = 0;
  let calls = 0;
  let isPassing = false;
  let isCancelled = false;
  let isInterrupted = false;
  const passTime = async (): Promise<void> => {
    if (isPassing) return;
    isPassing = true;
    for (let turn = 0; turn < TURNS; turn++) await Promise.resolve();
    isPassing = false;
    if (calls > 0) return;
    const [next] = [...timers].toSorted((one, other) => one.at - other.at);
    if (next === undefined) return;
    now = Math.max(now, next.at);
    next.end(true);
    void passTime();
  };
  return {
    id,
    now: () => now,
    timer(ms) {
      let stop = (): void => undefined;
      const fired = new Promise<boolean>((resolve) => {
        const timer: VirtualTimer = {
          at: now + ms,
          end(hasFired) {
            timers.delete(timer);
            resolve(hasFired);
          },
        };
        timers.add(timer);
        stop = () => timer.end(false);
      });
      void passTime();
      return { fired, stop };
    },
    async call(work) {
      calls++;
      try {
        return await work();
      } finally {
        calls--;
        void passTime();
      }
    },
    shield: (work) => work(),
    interruptible(work) {
      const interrupt = (): void => {
        isInterrupted = true;
      };
      return { done: work(), interrupt };
    },
    throwIfInterrupted() {
      if (isInterrupted) throw new CancelledFailure('The saga was interrupted: no further step begins.');
    },
    onCancelRequested(listener) {
      listeners.push(listener);
    },
    isCancelRequested: () => isCancelled,
    cancel() {
      isCancelled = true;
      for (const listener of listeners.splice(0)) listener();
    },
    isPatched: () => true,
    explain: (error) => ({
      kind: error instanceof SagaError ? 'bug' : 'failure',
      failure: summarizeFailure(error),
      isForGood: isFailureForGood(error) || isNonRetryable(error),
    }),
    warn: () => undefined,
  };
}

function isNonRetryable(error: unknown): boolean {
  return (
    typeof error === 'object' && error !== null && 'nonRetryable' in error && error.nonRetryable === true
  );
}
