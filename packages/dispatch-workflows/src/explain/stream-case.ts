import type { NotifyReason } from '../contract/reasons.ts';
import type { StreamKey } from '../contract/stream-state.ts';
import type { Intent } from '../delivery/intent-store.ts';
import type { LedgerEntry } from '../ledger/ledger-entry.ts';
import type { StoredRun } from '../ledger/ledger-store.ts';
import type { BacklogEntry } from '../scan/backlog-store.ts';
import type { RouteVersion } from '../routing/route-store.ts';
import type { StreamPicture } from '../stream/stream-finder.ts';
import type { AppPicture } from './facts.ts';

/** What is to be explained of one alert stream. */
export interface StreamQuestion {
  readonly stream: StreamKey;
  /** Whether the scan signalled it; null if no entry shows. */
  readonly signalled: boolean | null;
  /** When it was signalled, where an entry shows. */
  readonly signalledAt: number | null;
  /** Whether the route matched the issue, or would have, or a resolve reached the stream all the same. */
  readonly matched: boolean;
  /** The route as it was when it decided, and as it is now. */
  readonly route: RouteVersion | null;
  readonly routeNow: RouteVersion | null;
}

/** A stream with all that concerns it picked out of the facts. */
export interface StreamCase extends StreamQuestion {
  readonly app: AppPicture | null;
  readonly state: StreamPicture | null;
  /** Null if it does not wait in the backlog with this issue or a newer one. */
  readonly waiting: BacklogEntry | null;
  readonly intent: Intent | null;
  readonly notice: Notice | null;
  readonly silence: Silence | null;
  readonly attempts: readonly LedgerEntry[];
  /** Whether the ledger has the end of the notification; it follows the intent by a moment. */
  readonly isInLedger: boolean;
}

/** A notification that was decided. */
export interface Notice {
  readonly reason: NotifyReason;
  readonly kind: NonNullable<LedgerEntry['kind']>;
  readonly at: number;
}

/** A silent decision; `run` is null if only the stream's state shows it. */
export interface Silence {
  readonly reason: StoredRun['reason'];
  readonly run: StoredRun | null;
}
