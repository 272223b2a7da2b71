import type { NotificationKind, Outcome } from '@heliograph/notifier';
import type { Decision } from './decision.ts';
import type { IssueSignal } from './issue-signal.ts';
import type { DropCode, NotifyReason } from './reasons.ts';
import type { SilentRun, StreamKey, StreamState } from './stream-state.ts';

/** The longest backoff that a delivery waits in its slot, in milliseconds; longer ones are timers of the workflow. */
export const MAX_WAIT_IN_SLOT_MS = 5000;

/** One notification to deliver and record. */
export interface DeliveryOrder {
  readonly stream: StreamKey;
  /** Stable over all attempts and runs: the receiver's idempotency key. */
  readonly notificationId: string;
  readonly kind: NotificationKind;
  readonly reason: NotifyReason;
  readonly issue: IssueSignal;
  /** The stream's state before this notification. */
  readonly state: StreamState;
  /** The workflow's clock when it decided. */
  readonly decidedAt: number;
  /**
   * How long the notification is worth delivering, in milliseconds: of wall time, from the decision, and in the orders of
   * `deliverPatiently` from the moment at which the activity was scheduled. What waits for a worker ages as well.
   */
  readonly timeToLiveMs: number;
  /** How long to wait before the next attempt, in milliseconds. Default 0. */
  readonly waitMs?: number;
  /** Failed attempts after which the provider did not say when to retry; the backoff continues from here. Default 0. */
  readonly failures?: number;
  /** Whether any attempt was sent. Default: whether it was throttled or any failed. */
  readonly wasSent?: boolean;
  /** The provider has already throttled it, so it goes first at the app gate. Default false. */
  readonly wasThrottled?: boolean;
  /** How often it was handed back because too many wait for the app; each wait is longer. Default 0. */
  readonly handBacks?: number;
  /** Why it is still pending; the reason for its drop if it expires now. */
  readonly code?: string;
  /** What happened before it and no row holds yet; it is persisted with its outcome. */
  readonly unwritten?: StreamRecord;
  /** What became of the latest attempt, where no row may hold it. */
  readonly lastAttempt?: LastAttempt;
}

/** A delivery attempt with its outcome. */
export interface AttemptMade {
  readonly at: number;
  /** Which attempt of the notification it was, from 1. */
  readonly claims: number;
  readonly token: string;
  readonly provider: string;
  readonly outcome: Outcome;
  readonly durationMs: number;
}

/**
 * An attempt whose outcome is known although no row may hold it: its claim got no answer in time, or what became of it
 * could not be persisted. The next claim hands it in, so that nothing that is known is ever doubted.
 */
export interface LastAttempt {
  readonly token: string;
  readonly outcome: 'not-sent' | 'refused';
  /** What the ledger does not have yet. */
  readonly made?: AttemptMade;
}

/** The result of a delivery order. */
export type DeliveryResult =
  | {
      readonly kind: 'delivered';
      readonly provider: string;
      readonly externalId: string | null;
      /** False: delivered, but that could not be persisted; `recordStreamState` must follow. */
      readonly recorded: boolean;
      /** True: it is in doubt, and the app's policy says not to resend it. Default false. */
      readonly assumed?: boolean;
      readonly passedBy?: PassedBy;
    }
  /** Dropped: the provider refused it permanently, the app or the issue is gone, or it expired. */
  | {
      readonly kind: 'dropped';
      readonly code: DropCode;
      /** True: it is persisted. Absent from results older than intents. */
      readonly recorded?: boolean;
      /** True: a trigger or a resolve in doubt was dropped. Default false. */
      readonly mayBeOpen?: boolean;
      readonly passedBy?: PassedBy;
    }
  /** Not yet: `deliverPatiently` has to go on, after `waitMs`. */
  | {
      readonly kind: 'pending';
      readonly code: string;
      readonly waitMs: number;
      /** Whether that activity waits, or a timer of the workflow. Default: whether it is at most `MAX_WAIT_IN_SLOT_MS`. */
      readonly inSlot?: boolean;
      /** See `DeliveryOrder`; default 0. */
      readonly failures?: number;
      /** See `DeliveryOrder`; absent if the default says the same. */
      readonly wasSent?: boolean;
      /** See `DeliveryOrder`; default false. */
      readonly wasThrottled?: boolean;
      /** See `DeliveryOrder`; default 0. */
      readonly handBacks?: number;
      /** See `DeliveryOrder`. */
      readonly lastAttempt?: LastAttempt;
    };

/** A delivery that goes on. */
export type PendingResult = Extract<DeliveryResult, { kind: 'pending' }>;

/** A delivery that is under way when its run hands over to the next. */
export interface DeliveryUnderWay {
  readonly order: DeliveryOrder;
  readonly result: PendingResult;
}

/**
 * The state that the stream has reached already, where it decided newer issues than this one: a workflow task that is
 * repeated is behind it, and goes on from there. Absent otherwise.
 */
export type PassedBy = StreamState;

/** What `openStream` read, decided and delivered. */
export interface OpenedStream {
  /** As it was before `delivery`. */
  readonly state: StreamState;
  /**
   * The decision about the first signal on that state; null if there was none. Absent from results that are older
   * than this field: the stream then decides by itself.
   */
  readonly decision?: Decision | null;
  /** Null if the decision is silent. */
  readonly delivery: DeliveryResult | null;
}

/** The signal with which a run begins, and the workflow's clock. */
export interface FirstSignal {
  readonly signal: IssueSignal;
  readonly now: number;
}

/** An outcome that could not be persisted with its delivery. */
export interface UnrecordedOutcome {
  readonly order: Pick<DeliveryOrder, 'notificationId' | 'kind' | 'reason' | 'issue' | 'decidedAt'>;
  readonly result: Extract<DeliveryResult, { kind: 'delivered' | 'dropped' }>;
}

/** What happened in a stream and has to be persisted with its state. */
export interface StreamRecord {
  readonly silent?: readonly SilentRun[];
  readonly outcomes?: readonly UnrecordedOutcome[];
}
