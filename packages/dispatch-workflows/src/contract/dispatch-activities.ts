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
