import type { NotificationKind } from '@heliograph/notifier';
import type { Decision } from './decision.ts';
import type { IssueSignal } from './issue-signal.ts';
import type { DropCode, NotifyReason } from './reasons.ts';
import type { SilentRun, StreamKey, StreamState } from './stream-state.ts';

/** The longest backoff that a delivery waits in its slot, in milliseconds; longer ones are the workflow's timers. */
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
  /** How long the notification is worth delivering from now on, in milliseconds. */
  readonly timeToLiveMs: number;
  /** How long to wait before the next attempt, in milliseconds; what a provider asked for. Default 0. */
  readonly waitMs?: number;
  /** Attempts that failed without a word on when to come again; the backoff goes on from here. Default 0. */
  readonly failures?: number;
  /** The provider asked to wait when it was sent: it comes before what was not sent yet. Default false. */
  readonly wasThrottled?: boolean;
  /** How often it was handed back because too many waited for the app; each time it comes later. Default 0. */
  readonly handBacks?: number;
  /** What happened before it and no row tells of yet; it is written with its outcome. */
  readonly unwritten?: StreamRecord;
}

/** What became of a delivery order. */
export type DeliveryResult =
  | {
      readonly kind: 'delivered';
      readonly provider: string;
      readonly externalId: string | null;
      /** False: delivered, but that could not be written; `recordStreamState` must follow. */
      readonly recorded: boolean;
      /** True: it may have arrived, and the app's policy is not to send it again. Default false. */
      readonly assumed?: boolean;
    }
  /** Given up: the provider refused it for good, the app or the issue is gone, or its time ran out. */
  | {
      readonly kind: 'dropped';
      readonly code: DropCode;
      /** True: the rows tell of it. Absent from results older than intents, which is true of none. */
      readonly recorded?: boolean;
      /** True: a trigger of which nobody knows whether it arrived before it was given up. Default false. */
      readonly mayBeOpen?: boolean;
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
      /** See `DeliveryOrder`; default false. */
      readonly wasThrottled?: boolean;
      /** See `DeliveryOrder`; default 0. */
      readonly handBacks?: number;
    };

/** What `openStream` read, decided and delivered. */
export interface OpenedStream {
  /** As it was before `delivery`. */
  readonly state: StreamState;
  /**
   * The decision about the first signal on that state; null where there was none. Absent from results that are older
   * than this field: the stream then decides by itself.
   */
  readonly decision?: Decision | null;
  /** Null where the decision is silent. */
  readonly delivery: DeliveryResult | null;
}

/** The signal with which a run begins, and the workflow's clock. */
export interface FirstSignal {
  readonly signal: IssueSignal;
  readonly now: number;
}

/** An outcome that could not be written with its delivery. */
export interface UnrecordedOutcome {
  readonly order: Pick<DeliveryOrder, 'notificationId' | 'kind' | 'reason' | 'issue' | 'decidedAt'>;
  readonly result: Extract<DeliveryResult, { kind: 'delivered' | 'dropped' }>;
}

/** What happened in a stream and has to be written besides its state. */
export interface StreamRecord {
  readonly silent?: readonly SilentRun[];
  readonly outcomes?: readonly UnrecordedOutcome[];
}
