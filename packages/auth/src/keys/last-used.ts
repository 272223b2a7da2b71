import { withDeadline } from '@heliograph/database';
import { systemClock, type Clock } from '@heliograph/service';
import type { KeyStore, KeyUse } from './key-store.ts';

/** Options of {@link createLastUsed}. */
export interface LastUsedOptions {
  readonly keys: Pick<KeyStore, 'recordUses'>;
  /** How long uses are collected before they are written. Default 30,000. */
  readonly flushAfterMs?: number;
  /** Hears of a write that failed; its uses are written with the next ones. */
  readonly onProblem?: (error: unknown) => void;
  readonly clock?: Clock;
}

/** Records when keys were last used, beside the requests. */
export interface LastUsed {
  /** Takes a use; returns at once. */
  record(use: KeyUse): void;
  /** Writes what was collected and stops. */
  stop(): Promise<void>;
}

/** Keys that are remembered; once there are as many, they are written at once. While that fails, further ones are not recorded. */
const MAX_KEYS = 10_000;
/** A stop waits no longer for a database that does not answer. */
const WRITE_TIMEOUT_MS = 3000;

/**
 * Collects uses and writes them in one statement, only the latest of each key. A process that is killed forgets what it
 * has not written, so `lastUsedAt` may be older than the last use by `flushAfterMs`, and is never newer.
 */
export function createLastUsed(options: LastUsedOptions): LastUsed {
  const { keys, flushAfterMs = 30_000, onProblem, clock = systemClock } = options;
  const stopped = new AbortController();
  let collected = new Map<string, number>();
  let full = new AbortController();
  let running: Promise<void> | undefined;

  const report = (error: unknown): void => {
    try {
      onProblem?.(error);
    } catch {
      // What a listener throws ends nothing.
    }
  };
  const write = async (): Promise<void> => {
    const taken = collected;
    collected = new Map();
    if (taken.size === 0) return;
    try {
      await withDeadline(WRITE_TIMEOUT_MS, 'record when keys were used', () =>
        keys.recordUses([...taken].map(([id, at]) => ({ id, at }))),
      );
    } catch (error) {
      report(error);
      for (const [id, at] of taken) add(id, at);
    }
  };
  const add = (id: string, at: number): void => {
    const known = collected.get(id);
    if (known === undefined && collected.size >= MAX_KEYS) return;
    collected.set(id, Math.max(at, known ?? at));
  };
  const loop = async (): Promise<void> => {
    while (collected.size > 0 && !stopped.signal.aborted) {
      await clock.sleep(flushAfterMs, AbortSignal.any([stopped.signal, full.signal]));
      full = new AbortController();
      if (!stopped.signal.aborted) await write();
    }
    running = undefined;
  };
  return {
    record: ({ id, at }) => {
      const known = collected.size;
      add(id, at);
      if (known < MAX_KEYS && collected.size === MAX_KEYS) full.abort();
      // Nothing waits while no key is used.
      if (!stopped.signal.aborted) running ??= loop();
    },
    stop: async () => {
      stopped.abort();
      await running;
      await write();
    },
  };
}
