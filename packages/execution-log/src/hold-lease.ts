import type { ExecutionStore, Holder } from './store/execution-store.ts';

/** A lease that is prolonged while something runs. */
export interface Lease {
  /** Aborts when the lease is lost: somebody else may run the same from now on. */
  readonly signal: AbortSignal;
  end(): Promise<void>;
}

/** Prolongs a lease that was taken at `since` (by `performance.now`) three times per `leaseMs`, until `end`. */
export function holdLease(
  store: Pick<ExecutionStore, 'renew'>,
  holder: Holder,
  leaseMs: number,
  since: number,
): Lease {
  const lost = new AbortController();
  let heldUntil = since + leaseMs;
  let renewing: Promise<void> = Promise.resolve();
  let isRenewing = false;
  const lose = (why: string): void => {
    if (!lost.signal.aborted) lost.abort(new Error(`the lease of ${holder.key} is lost: ${why}`));
  };
  const renew = async (): Promise<void> => {
    isRenewing = true;
    // The database counts from when it hears of it, which is later: this side ends first.
    const from = performance.now();
    try {
      if (await store.renew(holder, leaseMs)) heldUntil = from + leaseMs;
      else lose('another caller has taken it over');
    } catch {
      // The next one may pass; the clock below ends it otherwise.
    } finally {
      isRenewing = false;
    }
  };
  const timer = setInterval(
    () => {
      if (performance.now() >= heldUntil) lose('it could not be prolonged in time');
      if (!isRenewing) renewing = renew();
    },
    Math.max(10, leaseMs / 3),
  );
  return {
    signal: lost.signal,
    end: async () => {
      clearInterval(timer);
      await renewing;
    },
  };
}
