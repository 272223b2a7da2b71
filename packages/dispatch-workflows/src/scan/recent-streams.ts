import type { StreamKey } from '../contract/stream-state.ts';
import { alertWorkflowId } from '../contract/alert-workflow-id.ts';

/** Streams that this process signalled a short while ago. */
export interface RecentStreams {
  /** Those of a fingerprint. */
  of(fingerprint: string): readonly StreamKey[];
  /** Records that a stream was signalled. */
  add(stream: StreamKey): void;
}

/**
 * Remembers the streams that were signalled within `keepMs` (default a minute), at most `maxFingerprints` (default
 * 20 000) with the newest signals. What was signalled just now may be opening an incident of which no row tells yet.
 */
export function createRecentStreams(options: {
  readonly now: () => number;
  readonly keepMs?: number;
  readonly maxFingerprints?: number;
}): RecentStreams {
  const { now, keepMs = 60_000, maxFingerprints = 20_000 } = options;
  const recent = new Map<string, { readonly at: number; readonly streams: Map<string, StreamKey> }>();
  return {
    of(fingerprint) {
      const known = recent.get(fingerprint);
      return known === undefined || now() - known.at > keepMs ? [] : [...known.streams.values()];
    },
    add(stream) {
      const { fingerprint } = stream;
      const streams = recent.get(fingerprint)?.streams ?? new Map<string, StreamKey>();
      streams.set(alertWorkflowId(stream), stream);
      // Deleting first keeps the map in the order of time.
      recent.delete(fingerprint);
      recent.set(fingerprint, { at: now(), streams });
      for (const [oldest, { at }] of recent) {
        if (recent.size <= maxFingerprints && now() - at <= keepMs) break;
        recent.delete(oldest);
      }
    },
  };
}
