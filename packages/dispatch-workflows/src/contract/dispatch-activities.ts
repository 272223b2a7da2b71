import type {
  DeliveryOrder,
  DeliveryResult,
  FirstSignal,
  OpenedStream,
  StreamRecord,
} from './delivery-order.ts';
import type { Position } from './position.ts';
import type { ScanResult, ScanState } from './scan-state.ts';
import type { StreamKey, StreamState } from './stream-state.ts';
import type { SweepResult } from './sweep-result.ts';

/** The activities that dispatching is made of; workflows see only this. */
export interface DispatchActivities {
  /** Scans issues since the cursor, matches routes and signals alert streams. `null` begins `initialLookback` ago. */
  readAndDispatch(scan: ScanState | null): Promise<ScanResult>;
  /**
   * Finds resolve debt, signals those streams to resend their resolves, and deletes old intents. Issues that no scan has
   * read yet are left to it, because a stream ignores anything older than what it has decided.
   */
  sweepResolveDebt(scannedUpTo: Position | null): Promise<SweepResult>;
  /**
   * Whether the intent of this notification was ever claimed. A repeated workflow task decides by a later clock, and what
   * was begun must not become stale in between. Meant to run as a local activity.
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
  /** Makes one attempt of at most 3 s and records its outcome. Meant to run as a local activity. */
  deliverAndRecord(order: DeliveryOrder): Promise<DeliveryResult>;
  /**
   * Makes attempts until the notification is delivered, refused permanently or expired, heartbeats and waits in its slot, and
   * records the outcome. A wait that would hold the slot for too long is handed back as `pending`.
   */
  deliverPatiently(order: DeliveryOrder): Promise<DeliveryResult>;
  /** Persists a stream's state unless a newer one is there, and what no row holds yet. */
  recordStreamState(stream: StreamKey, state: StreamState, more?: StreamRecord): Promise<void>;
}
