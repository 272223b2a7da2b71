import type { Position } from './position.ts';

/** How far the orchestrator has read. */
export interface ScanCursor {
  readonly position: Position;
  readonly eventId: string;
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
  /** How long the orchestrator may sleep, in milliseconds; 0 if more rows are waiting. */
  readonly nextScanInMs: number;
  /** New rows read. */
  readonly scanned: number;
  /** Signals sent, those out of the backlog among them. */
  readonly dispatched: number;
  /** Signals that went to the backlog; absent if none did. */
  readonly parked?: number;
  /** Rows that could be neither dispatched nor parked wholly; the cursor stands before the earliest of them. */
  readonly failed: number;
  /** Alert workflows running, as far as known, when the scan began. */
  readonly running: number;
}
