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
/** The longest that a delivery waits in its slot, in milliseconds; longer waits are the workflow's timers. */
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

/** What an alert stream is told about one issue; labels and annotations stay in the database until delivery. */
export interface IssueSignal {
  readonly eventId: string;
  readonly position: Position;
  readonly status: IssueStatus;
  readonly severity: string;
  readonly startsAt: number;
  readonly endsAt: number | null;
  /** When the row was stored. */
  readonly storedAt: number;
  /** Hash of labels and annotations: tells that the content changed without carrying it. */
  readonly contentHash: string;
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
}

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
  readonly issue: IssueSignal;
  /** The stream's state before this notification. */
  readonly state: StreamState;
  /**
   * The state was read in this very workflow task: should the task be run again, so is the reading. Otherwise the
   * first thing to do is to look whether this notification is recorded already.
   */
  readonly stateIsFresh?: boolean;
  /** The workflow's clock when it decided. */
  readonly decidedAt: number;
  /** How long the notification is worth delivering from now on, in milliseconds. */
  readonly timeToLiveMs: number;
  /** How long to wait before the next attempt, in milliseconds; what a provider asked for. Default 0. */
  readonly waitMs?: number;
  /** Attempts that failed without a word on when to come again; the backoff goes on from here. Default 0. */
  readonly failures?: number;
}

/** What became of a delivery order. */
export type DeliveryResult =
  | {
      readonly kind: 'delivered';
      readonly provider: string;
      readonly externalId: string | null;
      /** False: delivered, but the state row could not be written; `recordState` must follow. */
      readonly recorded: boolean;
    }
  /** Given up: the provider refused it for good, the app or the issue is gone, or its time ran out. */
  | { readonly kind: 'dropped'; readonly code: DropCode }
  /** Not yet: `deliverPatiently` has to go on, after `waitMs`, which is longer than a slot should be held. */
  | {
      readonly kind: 'pending';
      readonly code: string;
      readonly waitMs: number;
      /** See `DeliveryOrder`; default 0. */
      readonly failures?: number;
    };

/** What `openStream` found and did. */
export interface OpenedStream {
  /** As it was before `delivery`. */
  readonly state: StreamState;
  readonly delivery: DeliveryResult | null;
}

/** Why a decided notification was not delivered. */
export type DropCode =
  'REJECTED' | 'EXPIRED' | 'CONNECTED_APP_MISSING' | 'ISSUE_MISSING' | 'SECRET_UNREADABLE';

/** The activities that dispatching is made of; workflows see only this. */
export interface DispatchActivities {
  /** Scans issues since the cursor, matches routes and signals alert streams. `null` begins `initialLookback` ago. */
  readAndDispatch(scan: ScanState | null): Promise<ScanResult>;
  /**
   * Reads a stream's state; a stream never notified has the initial one. Meant to run as a local activity. Most
   * streams that start were never notified, so the first order is decided for that case beforehand: where it is the
   * case, it is delivered and recorded on the way (one attempt, at most 3 s in all), else `delivery` is null.
   */
  openStream(stream: StreamKey, ifNeverNotified: DeliveryOrder | null): Promise<OpenedStream>;
  /** Reads a stream's state. */
  readStreamState(stream: StreamKey): Promise<StreamState>;
  /** One attempt of at most 3 s, then the state row. Meant to run as a local activity. */
  deliverAndRecord(order: DeliveryOrder): Promise<DeliveryResult>;
  /**
   * Attempts until delivered, refused or expired, heartbeating and waiting inside for as long as that is short, then
   * the state row. Long waits are handed back as `pending`.
   */
  deliverPatiently(order: DeliveryOrder): Promise<DeliveryResult>;
  /** Writes a stream's state row unless a newer one is there. */
  recordStreamState(stream: StreamKey, state: StreamState): Promise<void>;
}
