import type { ExecutionRow, ExecutionStore, Holder } from './execution-store.ts';

interface Entry {
  row: ExecutionRow;
  leasedUntil: number;
}

/** A log in memory, for tests and examples: it forgets with its process, and so keeps no promise. */
export function createMemoryExecutionStore(now: () => number = Date.now): ExecutionStore {
  const entries = new Map<string, Entry>();
  let last = 0n;
  const startedBy = ({ key, fence }: Holder): Entry | null => {
    const entry = entries.get(key);
    return entry?.row.state === 'started' && entry.row.fence === fence ? entry : null;
  };
  const started = (fence: bigint, request: string | null): ExecutionRow => ({
    state: 'started',
    fence,
    request,
    isLeased: true,
  });
  return {
    nextFence: async () => ++last,
    claim: async ({ key, request, leaseMs }, fence) => {
      if (!entries.has(key)) entries.set(key, { row: started(fence, request), leasedUntil: now() + leaseMs });
    },
    find: async (key) => {
      const entry = entries.get(key);
      if (entry === undefined) return null;
      return entry.row.state === 'done' ? entry.row : { ...entry.row, isLeased: entry.leasedUntil > now() };
    },
    takeOver: async (from, fence, { leaseMs }) => {
      const entry = startedBy(from);
      if (entry === null || entry.leasedUntil > now()) return false;
      entries.set(from.key, { row: started(fence, entry.row.request), leasedUntil: now() + leaseMs });
      return true;
    },
    renew: async (holder, leaseMs) => {
      const entry = startedBy(holder);
      if (entry !== null) entry.leasedUntil = now() + leaseMs;
      return entry !== null;
    },
    release: async (holder) => {
      const entry = startedBy(holder);
      if (entry !== null) entry.leasedUntil = now();
    },
    forget: async (holder) => startedBy(holder) !== null && entries.delete(holder.key),
    complete: async ({ key, fence }, outcome) => {
      const entry = entries.get(key);
      if (entry?.row.fence !== fence) return false;
      entry.row = { state: 'done', fence, request: entry.row.request, ...outcome };
      return true;
    },
    markOverrun: async () => undefined,
    keep: async () => undefined,
  };
}
