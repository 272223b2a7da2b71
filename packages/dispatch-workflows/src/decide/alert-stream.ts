import type { DeliveryOrder, DeliveryResult, IssueSignal, StreamKey, StreamState } from '../contract.ts';
import { alertWorkflowId } from '../alert-workflow-id.ts';
import { comparePositions } from '../position.ts';
import { decided, notified, shouldNotify } from './should-notify.ts';

/** What a stream needs from whoever runs it. */
export interface StreamPorts {
  /** Milliseconds since the epoch; in a workflow its own clock. */
  now(): number;
  deliver(order: DeliveryOrder): Promise<DeliveryResult>;
  /** Makes the state durable; it must not give up. */
  record(stream: StreamKey, state: StreamState): Promise<void>;
}

/** What became of a batch. */
export interface BatchSummary {
  readonly signals: number;
  readonly notifications: number;
}

/** How long a notification is worth delivering, in milliseconds. */
export const MAX_SIGNAL_AGE_MS = 3_600_000;

/**
 * One alert stream: inbox → decide → deliver → record. It knows nothing of workflows, so one workflow may hold one
 * stream or many.
 *
 * Whatever arrives while a batch is handled waits in the inbox. Within a batch, signals are handled by position,
 * and each decision sees the state that the one before left, so nothing of one stream is delivered out of order.
 */
export class AlertStream {
  readonly key: StreamKey;
  #state: StreamState;
  #inbox: IssueSignal[];

  constructor(key: StreamKey, state: StreamState, inbox: readonly IssueSignal[] = []) {
    this.key = key;
    this.#state = state;
    this.#inbox = [...inbox];
  }

  get state(): StreamState {
    return this.#state;
  }

  get inbox(): readonly IssueSignal[] {
    return this.#inbox;
  }

  /** Takes a signal; it is handled at the next drain. */
  push(signal: IssueSignal): void {
    this.#inbox.push(signal);
  }

  /** Handles everything that is buffered now. When it returns, the state of every delivery is durable. */
  async drain(ports: StreamPorts): Promise<BatchSummary> {
    const batch = this.#inbox.toSorted((a, b) => comparePositions(a.position, b.position));
    this.#inbox = [];
    let notifications = 0;
    let unrecorded = false;
    for (const signal of batch) {
      const decision = shouldNotify(this.#state, signal);
      if (!decision.notify) {
        this.#state = decided(this.#state, signal);
        continue;
      }
      const now = ports.now();
      const result = await ports.deliver({
        stream: this.key,
        notificationId: notificationId(this.key, signal),
        kind: decision.kind,
        issue: signal,
        state: this.#state,
        decidedAt: now,
        timeToLiveMs: MAX_SIGNAL_AGE_MS,
      });
      if (result.kind === 'delivered') {
        this.#state = notified(this.#state, signal, { now, ...result });
        notifications++;
        unrecorded = !result.recorded;
      } else {
        this.#state = decided(this.#state, signal);
      }
    }
    if (unrecorded) await ports.record(this.key, this.#state);
    return { signals: batch.length, notifications };
  }
}

/** One issue leads to at most one notification of a stream, so both together name it for ever. */
function notificationId(key: StreamKey, signal: IssueSignal): string {
  return `${alertWorkflowId(key)}-${signal.position}`;
}
