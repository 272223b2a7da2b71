import type { NotificationKind } from '@heliograph/notifier';
import type { Position } from '../contract/position.ts';
import type { NotifyReason } from '../contract/reasons.ts';
import type { SilentRun, StreamKey } from '../contract/stream-state.ts';

/** Which step of an issue's way an entry describes. */
export type LedgerStage = 'seen' | 'matched' | 'decided' | 'attempted' | 'settled';

/** How an attempt or a notification ended. */
export type LedgerOutcome =
  'delivered' | 'refused' | 'rate_limited' | 'uncertain' | 'assumed_delivered' | 'dropped';

/** One entry of the decision ledger. Instants are milliseconds since the epoch; what does not apply is absent. */
export interface LedgerEntry {
  /** The same entry written twice has the same id. */
  readonly id: string;
  readonly at: number;
  readonly stage: LedgerStage;
  readonly fingerprint: string;
  readonly eventId: string;
  readonly position: Position;
  readonly routeId?: string | undefined;
  readonly connectedAppId?: string | undefined;
  /** `seen`: revision of all routes; else version of the route. */
  readonly configVersion?: number | undefined;
  readonly reason?: NotifyReason | undefined;
  /** `matched`: the part of the query that was true. */
  readonly clause?: string | undefined;
  readonly notificationId?: string | undefined;
  readonly kind?: NotificationKind | undefined;
  readonly outcome?: LedgerOutcome | undefined;
  /** Why it was not delivered. */
  readonly code?: string | undefined;
  /** HTTP status of an attempt. */
  readonly status?: number | undefined;
  /** Which attempt of the notification it was, from 1. */
  readonly attempt?: number | undefined;
  readonly durationMs?: number | undefined;
  /** How long the provider asked to wait. */
  readonly waitMs?: number | undefined;
  readonly provider?: string | undefined;
  readonly externalId?: string | undefined;
  /** `matched`: connected apps that were signalled. */
  readonly apps?: readonly string[] | undefined;
}

/** Consecutive silent decisions of one stream, counted. */
export interface LedgerRun extends SilentRun {
  readonly stream: StreamKey;
}

/** What is written to the ledger at once. */
export interface LedgerBatch {
  readonly entries: readonly LedgerEntry[];
  readonly runs: readonly LedgerRun[];
}
