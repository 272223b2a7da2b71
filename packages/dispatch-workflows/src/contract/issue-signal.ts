import type { Position } from './position.ts';

/** The state of a monitored condition as a monitor reports it. */
export type IssueStatus = 'firing' | 'resolved' | 'suppressed';

/** What a route asks of its alert streams, as it was when the issue was matched. */
export interface SignalPolicy {
  /** Version of the route. */
  readonly version: number;
  /** Milliseconds after which something still firing is told again; null is never. */
  readonly renotifyIntervalMs: number | null;
  /** Milliseconds after which an issue is too old to be told of. */
  readonly maxSignalAgeMs: number;
}

/** What a signal without a policy is held to. */
export const DEFAULT_SIGNAL_POLICY: SignalPolicy = {
  version: 0,
  renotifyIntervalMs: null,
  maxSignalAgeMs: 3_600_000,
};

/** What an alert stream is told about one issue; labels and annotations stay in the database until delivery. */
export interface IssueSignal {
  readonly eventId: string;
  readonly position: Position;
  readonly status: IssueStatus;
  readonly severity: string;
  readonly startsAt: number;
  readonly endsAt: number | null;
  /** When the row was stored: the moment from which the age of the signal counts. */
  readonly storedAt: number;
  /** Hash of labels and annotations: tells that the content changed without carrying it. */
  readonly contentHash: string;
  /** Absent only from signals older than policies. */
  readonly policy?: SignalPolicy;
  /**
   * The sweep asks again for a resolve that is owed: something is open outside although the newest issue is resolved.
   * Such a signal counts although its issue was decided before.
   */
  readonly owed?: boolean;
}
