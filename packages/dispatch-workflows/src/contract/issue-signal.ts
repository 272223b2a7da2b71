import type { Position } from './position.ts';

/** The state of a monitored condition as a monitor reports it. */
export type IssueStatus = 'firing' | 'resolved' | 'suppressed';

/** The policy of a route, as it was when the issue matched. */
export interface SignalPolicy {
  /** Version of the route. */
  readonly version: number;
  /** Milliseconds after which an alert that is still firing is renotified; null is never. */
  readonly renotifyIntervalMs: number | null;
  /** Issues older than this, in milliseconds, never trigger a notification. Resolves are always sent. */
  readonly maxSignalAgeMs: number;
}

/** The policy of a signal that has none. */
export const DEFAULT_SIGNAL_POLICY: SignalPolicy = {
  version: 0,
  renotifyIntervalMs: null,
  maxSignalAgeMs: 3_600_000,
};

/**
 * What hands an issue to its alert stream; content stays in the database until delivery. Signals of older releases also
 * carry `severity`, `startsAt`, `endsAt` and `contentHash`, which nobody reads.
 */
export interface IssueSignal {
  readonly eventId: string;
  readonly position: Position;
  readonly status: IssueStatus;
  /** When the row was stored: the moment from which the age of the signal counts. */
  readonly storedAt: number;
  /** Absent only from signals older than policies. */
  readonly policy?: SignalPolicy;
  /**
   * The sweep resends an owed resolve: an incident is open at the provider although the alert has resolved. Such a
   * signal counts although its issue was decided before.
   */
  readonly owed?: boolean;
}
