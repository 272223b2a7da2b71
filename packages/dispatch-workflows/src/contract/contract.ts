import type { NotificationKind } from '@heliograph/notifier';

/**
 * The contract of dispatching: names that live in histories and databases and so are permanent, and the data
 * that crosses between API, workflows and activities. Instants are milliseconds since the epoch.
 */

/** Task queue of both workflows and of their activities. */
export const DISPATCH_TASK_QUEUE = 'dispatch';
/**
 * Task queue of the deliveries that take their time. They hold their slots while they wait, so they have slots of
 * their own: a receiver that is down must keep neither scans nor state rows waiting.
 */
export const DELIVERY_TASK_QUEUE = 'dispatch-deliveries';
/** The longest backoff that a delivery waits in its slot, in milliseconds; longer ones are the workflow's timers. */
export const MAX_WAIT_IN_SLOT_MS = 5000;
/** Workflow type of the orchestrator. */
export const MONITOR_INSTANCES = 'monitorInstances';
/** The one id under which the orchestrator runs: a second one cannot start. */
export const MONITOR_INSTANCES_ID = 'monitor-instances';
/** Workflow type of one alert stream. */
export const MONITOR_INSTANCE_ALERT = 'monitorInstanceAlert';
/** Signal that hands an issue to its alert stream. */
export const ISSUE_SIGNAL = 'issue';
/** Signal that makes the orchestrator scan now instead of at the end of its interval. */
export const WAKE_SIGNAL = 'wake';

/** The state of a monitored condition as a monitor reports it. */
export type IssueStatus = 'firing' | 'resolved' | 'suppressed';

/**
 * Where a row stands in the order of insertion: a decimal number of up to 20 digits, as text because it exceeds
 * what a double holds exactly. Compare with `comparePositions`.
 */
export type Position = string;

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

/** Which alert stream: one per fingerprint, route and connected app. */
export interface StreamKey {
  /** `[a-z0-9]{1,64}` */
  readonly fingerprint: string;
  /** `[a-z0-9]{1,64}` */
  readonly routeId: string;
  /** `[a-z0-9]{1,64}` */
  readonly connectedAppId: string;
}

/** What an alert stream remembers; the row `dispatch.stream_state` holds the same. */
export interface StreamState {
  /** Notifications that were delivered, over the whole life of the stream. */
  readonly notificationCount: number;
  readonly lastNotifiedAt: number | null;
  /** Status of the last delivered notification: `firing` means that something is open outside. */
  readonly status: 'none' | 'firing' | 'resolved';
  /** Position of the newest issue that was decided; older ones are ignored. */
  readonly lastPosition: Position | null;
  /** What a provider called the object that it opened for this stream, by provider name. */
  readonly externalIds: Readonly<Record<string, string>>;
  /** Status of the newest decided issue. */
  readonly lastSeen?: IssueStatus | null;
  /** Position of the issue that opened the latest episode: from a trigger to its resolve, and no further. */
  readonly episode?: Position | null;
  /**
   * A trigger may have arrived and was given up: a resolve is worth telling, and so is the next firing.
   */
  readonly mayBeOpen?: boolean;
  /** The reason of the latest silent decisions, and where it began; null since a notification was decided. */
  readonly silence?: { readonly reason: SilenceReason; readonly since: Position } | null;
}

/** Every reason that leads to a notification. */
export const NOTIFY_REASONS = [
  /** Nothing was open. */
  'new',
  /** Still firing, and the route's interval has passed. */
  'renotify',
  /** Fires again after it was last seen suppressed, whatever the interval. */
  'suppression_bypass',
  /** Over, and something is open. */
  'resolved',
  /** The resolve was decided before and never delivered. */
  'resolve_owed',
] as const;

/** Why a signal leads to a notification. */
export type NotifyReason = (typeof NOTIFY_REASONS)[number];

/** Every reason that leads to none. */
export const SILENCE_REASONS = [
  /** Not newer than what was decided last. */
  'older_than_last',
  /** Still firing, and the route renotifies never. */
  'continuing',
  /** Still firing, and the route's interval has not passed. */
  'renotify_not_due',
  'suppressed',
  /** Over, and nothing is open. */
  'resolved_without_notification',
  /** Older than the route's maximum age, for a renotification than the smaller of it and the interval. */
  'stale',
] as const;

/** Why a signal leads to none. */
export type SilenceReason = (typeof SILENCE_REASONS)[number];

/** Consecutive silent decisions of one stream that were all alike. */
export interface SilentRun {
  readonly reason: SilenceReason;
  /** Where the run began; it may have begun before `first`. */
  readonly since: Position;
  /** Version of the route. */
  readonly version: number;
  readonly first: { readonly position: Position; readonly at: number };
  readonly last: { readonly position: Position; readonly at: number };
  readonly count: number;
}

/** How an alert run ended: with an empty inbox, or as one that a resolve began and that had nothing to close. */
export type AlertResult = 'drained' | 'resolved_without_notification';

/** Input of `monitorInstanceAlert`. All but the key is only there after a continue-as-new. */
export interface AlertInput {
  readonly stream: StreamKey;
  /** How long signals are collected before the next batch, in milliseconds; default 100. */
  readonly batchWindowMs?: number;
  readonly carried?: { readonly state: StreamState; readonly inbox: readonly IssueSignal[] };
}

/** How far the orchestrator has read. */
export interface ScanCursor {
  readonly position: Position;
  readonly eventId: string;
}

/** Input of `monitorInstances`; empty at the very first start. */
export interface OrchestratorInput {
  readonly scan?: ScanState;
  /** When resolve debt is to be swept next; absent at the very first start. */
  readonly nextSweepAt?: number;
}

/** What must survive between two scans. */
export interface ScanState {
  readonly cursor: ScanCursor;
  /** Rows of the overlap window that were dispatched already, packed; see `SeenRows`. */
  readonly seen: string;
}

/** Result of `readAndDispatch`. */
export interface ScanResult {
  readonly scan: ScanState;
  /** How long the orchestrator may sleep, in milliseconds; 0 where more rows are waiting. */
  readonly nextScanInMs: number;
  /** New rows read. */
  readonly scanned: number;
  /** Signals sent. */
  readonly dispatched: number;
  /** Rows that could not be dispatched wholly; the cursor stands before the earliest of them. */
  readonly failed: number;
  /** Alert workflows running, as far as known, when the scan began. */
  readonly running: number;
}

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

/** What `openStream` found and did. */
export interface OpenedStream {
  /** As it was before `delivery`. */
  readonly state: StreamState;
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

/** Every code with which a decided notification is given up. */
export const DROP_CODES = [
  'REJECTED',
  'EXPIRED',
  'EXPIRED_RATE_LIMITED',
  'CONNECTED_APP_MISSING',
  'ISSUE_MISSING',
  'SECRET_UNREADABLE',
  /** A sending was cut off, and the stream decided otherwise when it came to it again. */
  'SUPERSEDED',
] as const;

/** Why a decided notification was not delivered. */
export type DropCode = (typeof DROP_CODES)[number];

/** What a sweep did. */
export interface SweepResult {
  /** Streams with something open outside although the newest issue is resolved. */
  readonly owed: number;
  /** Of these, how many were asked again to resolve. */
  readonly signalled: number;
  /** Intents that their streams had passed without settling them. */
  readonly superseded: number;
  /** Settled intents that were old enough to be cleared away. */
  readonly cleared: number;
  /** How long the orchestrator may wait before the next sweep, in milliseconds. */
  readonly nextSweepInMs: number;
}

/** The activities that dispatching is made of; workflows see only this. */
export interface DispatchActivities {
  /** Scans issues since the cursor, matches routes and signals alert streams. `null` begins `initialLookback` ago. */
  readAndDispatch(scan: ScanState | null): Promise<ScanResult>;
  /**
   * Lists what is open outside and over, asks those streams again to resolve, and clears away old intents. What no scan
   * has come to yet is left to it, since a stream takes nothing that is older than what it decided.
   */
  sweepResolveDebt(scannedUpTo: Position | null): Promise<SweepResult>;
  /**
   * Whether a sending of this notification was ever begun. A workflow task that is done again decides by a later clock,
   * and what was begun must not become too old in between. Meant to run as a local activity.
   */
  wasBegun(notificationId: string): Promise<boolean>;
  /**
   * Reads a stream's state; a stream never notified has the initial one. Meant to run as a local activity. Where the
   * first signal leads to a notification on that state, it is delivered and recorded on the way (one attempt, at most
   * 3 s in all), else `delivery` is null.
   */
  openStream(stream: StreamKey, first: FirstSignal | null): Promise<OpenedStream>;
  /** Reads a stream's state. */
  readStreamState(stream: StreamKey): Promise<StreamState>;
  /** One attempt of at most 3 s, then the rows. Meant to run as a local activity. */
  deliverAndRecord(order: DeliveryOrder): Promise<DeliveryResult>;
  /**
   * Attempts until delivered, refused or expired, heartbeating and waiting inside, then the rows. What would hold a
   * slot for too long is handed back as `pending`.
   */
  deliverPatiently(order: DeliveryOrder): Promise<DeliveryResult>;
  /** Writes a stream's state row unless a newer one is there, and what else no row tells of yet. */
  recordStreamState(stream: StreamKey, state: StreamState, more?: StreamRecord): Promise<void>;
}
