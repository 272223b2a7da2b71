/** Fetches at the same time: as many as the store is asked for, and the most of one caller. */
export interface FetchPlaces {
  readonly places: number;
  readonly perCaller: number;
}

/** Gives each caller a turn. */
export interface FetchTurns {
  /**
   * Runs a fetch when a place is free. Callers who wait get places in turn, however many fetches each of them waits for.
   * A fetch that is aborted while it waits is not run.
   *
   * @throws the reason of `signal`
   */
  run<T>(caller: string, signal: AbortSignal, fetch: () => Promise<T>): Promise<T>;
}

/** Creates turns. Maps keep the order in which callers came, and whoever got a place goes to the end. */
export function createFetchTurns({ places, perCaller }: FetchPlaces): FetchTurns {
  const waiting = new Map<string, Set<() => void>>();
  const running = new Map<string, number>();
  let free = places;
  const runningOf = (caller: string): number => running.get(caller) ?? 0;
  const leaveQueue = (caller: string, start: () => void): void => {
    const queue = waiting.get(caller);
    queue?.delete(start);
    if (queue?.size === 0) waiting.delete(caller);
  };
  const startNext = (): void => {
    while (free > 0) {
      const next = [...waiting].find(([caller]) => runningOf(caller) < perCaller);
      if (next === undefined) return;
      const [caller, queue] = next;
      const [start] = queue;
      waiting.delete(caller);
      if (start === undefined) continue;
      queue.delete(start);
      if (queue.size > 0) waiting.set(caller, queue);
      free--;
      running.set(caller, runningOf(caller) + 1);
      start();
    }
  };
  const finish = (caller: string): void => {
    free++;
    if (runningOf(caller) === 1) running.delete(caller);
    else running.set(caller, runningOf(caller) - 1);
    startNext();
  };
  const getPlace = (caller: string, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const abort = (): void => {
        leaveQueue(caller, start);
        reject(signal.reason);
      };
      const start = (): void => {
        signal.removeEventListener('abort', abort);
        resolve();
      };
      signal.addEventListener('abort', abort, { once: true });
      const queue = waiting.get(caller) ?? new Set();
      waiting.set(caller, queue.add(start));
      startNext();
    });
  return {
    async run(caller, signal, fetch) {
      await getPlace(caller, signal);
      try {
        return await fetch();
      } finally {
        finish(caller);
      }
    },
  };
}
