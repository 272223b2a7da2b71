import type {
  DeliveryOrder,
  DeliveryResult,
  IssueSignal,
  Position,
  StreamKey,
  StreamState,
} from '../contract.ts';
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
  /** Something was delivered whose state is not in the database yet. */
  #owesRecord = false;
  /** The newest position that the database knows of. */
  #durablePosition: Position | null;

  constructor(key: StreamKey, state: StreamState, inbox: readonly IssueSignal[] = []) {
    this.key = key;
    this.#state = state;
    this.#inbox = [...inbox];
    this.#durablePosition = state.lastPosition;
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

  /** What would be delivered first if the state stays as it is; null where the first decision is silent. */
  propose(now: number): DeliveryOrder | null {
    const [first] = this.#inbox.toSorted(byPosition);
    return first === undefined ? null : this.#orderFor(first, now);
  }

  /**
   * Takes over the state that was read, and what became of the proposed order if that was delivered on the way: its
   * signal is then handled, before anything that has arrived since.
   */
  begin(
    state: StreamState,
    settled: { readonly order: DeliveryOrder; readonly result: DeliveryResult } | null,
  ): void {
    this.#state = state;
    this.#durablePosition = state.lastPosition;
    if (settled === null) return;
    const { order, result } = settled;
    this.#inbox = this.#inbox.filter(({ position }) => position !== order.issue.position);
    this.#settle(order, result);
  }

  /** Handles everything that is buffered now. When it returns, every delivery is durable. */
  async drain(ports: StreamPorts): Promise<BatchSummary> {
    const batch = this.#inbox.toSorted(byPosition);
    this.#inbox = [];
    let notifications = 0;
    for (const signal of batch) {
      const order = this.#orderFor(signal, ports.now());
      if (order === null) {
        this.#state = decided(this.#state, signal);
        continue;
      }
      if (this.#settle(order, await ports.deliver(order))) notifications++;
    }
    if (this.#owesRecord) await this.#record(ports);
    return { signals: batch.length, notifications };
  }

  /**
   * Makes silent decisions durable: before a stream ends its last position must be in the database, or an older issue
   * that becomes visible late would be decided as if it were new. A delivery has done so already.
   */
  async flush(ports: StreamPorts): Promise<void> {
    if (this.#state.lastPosition !== this.#durablePosition) await this.#record(ports);
  }

  async #record(ports: StreamPorts): Promise<void> {
    const state = this.#state;
    await ports.record(this.key, state);
    this.#owesRecord = false;
    this.#durablePosition = state.lastPosition;
  }

  #orderFor(signal: IssueSignal, now: number): DeliveryOrder | null {
    const decision = shouldNotify(this.#state, signal);
    if (!decision.notify) return null;
    return {
      stream: this.key,
      notificationId: notificationId(this.key, signal),
      kind: decision.kind,
      issue: signal,
      state: this.#state,
      decidedAt: now,
      timeToLiveMs: MAX_SIGNAL_AGE_MS,
    };
  }

  #settle({ issue, decidedAt }: DeliveryOrder, result: DeliveryResult): boolean {
    if (result.kind !== 'delivered') {
      this.#state = decided(this.#state, issue);
      return false;
    }
    this.#state = notified(this.#state, issue, { now: decidedAt, ...result });
    // A row that was written holds everything before it, too.
    this.#owesRecord = !result.recorded;
    if (result.recorded) this.#durablePosition = this.#state.lastPosition;
    return true;
  }
}

function byPosition(a: IssueSignal, b: IssueSignal): number {
  return comparePositions(a.position, b.position);
}

/** One issue leads to at most one notification of a stream, so both together name it for ever. */
function notificationId(key: StreamKey, signal: IssueSignal): string {
  return `${alertWorkflowId(key)}-${signal.position}`;
}
