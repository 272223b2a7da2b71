import type { DeliveryUnderWay } from './delivery-order.ts';
import type { IssueSignal } from './issue-signal.ts';
import type { ScanState } from './scan-state.ts';
import type { StreamKey, StreamState } from './stream-state.ts';

/** How an alert run ended: with an empty inbox, or as one that a resolve began and that had nothing to close. */
export type AlertResult = 'drained' | 'resolved_without_notification';

/** Input of `monitorInstanceAlert`. All but the key is only there after a continue-as-new. */
export interface AlertInput {
  readonly stream: StreamKey;
  /** How long signals are collected before the next batch, in milliseconds; default 100. */
  readonly batchWindowMs?: number;
  readonly carried?: {
    readonly state: StreamState;
    readonly inbox: readonly IssueSignal[];
    /** The notification that was waiting to be delivered; it goes on under its id. */
    readonly delivery?: DeliveryUnderWay;
  };
}

/** Input of `monitorInstances`; empty at the very first start. */
export interface OrchestratorInput {
  readonly scan?: ScanState;
  /** When resolve debt is to be swept next; absent at the very first start. */
  readonly nextSweepAt?: number;
}
