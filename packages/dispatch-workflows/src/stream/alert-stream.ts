import type {
  DeliveryOrder,
  DeliveryResult,
  DeliveryUnderWay,
  FirstSignal,
  OpenedStream,
  StreamRecord,
  UnrecordedOutcome,
} from '../contract/delivery-order.ts';
import type { IssueSignal } from '../contract/issue-signal.ts';
import type { Position } from '../contract/position.ts';
import type { SilenceReason } from '../contract/reasons.ts';
import type { SilentRun, StreamKey, StreamState } from '../contract/stream-state.ts';
import type { Decision, LateRule, NotifyDecision } from '../contract/decision.ts';
import { comparePositions } from '../contract/position.ts';
import { compactInbox } from './compact-inbox.ts';
import { notificationIdOf } from '../contract/notification-id.ts';
import { orderFor } from './order-for.ts';
import {
  applyDecision,
  applyDrop,
  LATE_RULES,
  applyDelivery,
  shouldNotify,
  shouldNotifyAtAnyAge,
} from './should-notify.ts';

/** What a stream needs from whoever runs it. */
export interface StreamPorts {
  /** Milliseconds since the epoch; in a workflow its own clock. */
  now(): number;
  /** Whether this execution has a later behaviour; asked only where the answer makes a difference. */
  hasPatch(patch: LateRule | 'decision-ledger'): boolean;
  /** Delivers; pending where the run has to hand over first. */
  deliver(order: DeliveryOrder): Promise<DeliveryResult>;
  /** Whether the intent of this notification was ever claimed. */
  hasIntent(notificationId: string): Promise<boolean>;
  /** Persists the state and what no row holds yet; it must not give up. */
  record(stream: StreamKey, state: StreamState, more: StreamRecord): Promise<void>;
}

/** A silent first decision. */
interface Opening {
  readonly first: FirstSignal;
  /** What it was decided on. */
  readonly state: StreamState;
  readonly decision: Decision;
}

/** What a drain did. */
export interface BatchSummary {
  readonly signals: number;
  readonly notifications: number;
}

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
  /** Silent decisions that no row holds yet. */
  #silent: SilentRun[] = [];
  /** Outcomes that could not be persisted with their deliveries. */
  #outcomes: UnrecordedOutcome[] = [];
  /** The silent first decision of the run, until its signal is drained. */
  #opening: Opening | null = null;
  /** The delivery with which the next run goes on. */
  #underWay: DeliveryUnderWay | null = null;
  /** The newest position that the database has. */
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

  /** The delivery that is under way where the run has to hand over; nothing else is handled before it. */
  get underWay(): DeliveryUnderWay | null {
    return this.#underWay;
  }

  /** Takes a signal; it is handled at the next drain. */
  push(signal: IssueSignal): void {
    this.#inbox.push(signal);
  }

  /** The signal that is decided first as the inbox is now. */
  firstSignal(now: number): FirstSignal | null {
    const [signal] = this.#inbox.toSorted(byPosition);
    return signal === undefined ? null : { signal, now };
  }

  /**
   * Takes over what `openStream` did about the first signal. Where it delivered, the signal leaves the inbox and its
   * order is returned, to be settled before anything else is drained. A silent decision is taken over by the next drain.
   */
  open(
    { state, decision, delivery }: OpenedStream,
    first: FirstSignal | null,
    ports: Pick<StreamPorts, 'hasPatch'>,
  ): DeliveryOrder | null {
    this.#state = state;
    this.#durablePosition = state.lastPosition;
    if (first === null) return null;
    if (delivery === null) {
      if (decision !== undefined && decision !== null) this.#opening = { first, state, decision };
      return null;
    }
    const order = decision?.notify === true ? decision : this.#decideOnceMore(first, ports);
    if (order === null) return null;
    // Asked even though it is decided, so that histories have the patch wherever a decision depends on it.
    if (decision?.rule !== undefined) ports.hasPatch(decision.rule);
    this.#inbox = this.#inbox.filter(({ position }) => position !== first.signal.position);
    return orderFor(this.key, state, first.signal, order, first.now);
  }

  /** Takes over the result of an order; returns whether it was delivered. What is pending is left to the next run. */
  settle(order: DeliveryOrder, result: DeliveryResult): boolean {
    if (result.kind === 'pending') {
      this.#underWay = { order, result };
      return false;
    }
    const { issue, decidedAt } = order;
    const delivered = result.kind === 'delivered';
    this.#state =
      result.passedBy ??
      (delivered
        ? applyDelivery(this.#state, issue, { now: decidedAt, ...result })
        : applyDrop(this.#state, issue, { reason: order.reason, mayBeOpen: result.mayBeOpen === true }));
    if (result.recorded === true) {
      // The rows that were written hold everything before them, too.
      this.#durablePosition = this.#state.lastPosition;
      this.#outcomes = [];
      this.#silent = [];
    } else if (result.recorded === false) {
      this.#outcomes.push({ order: outlineOf(order), result });
    }
    return delivered;
  }

  /**
   * Handles everything that is buffered now. When it returns, every delivery is durable, or one is under way and what came
   * after it is buffered again.
   */
  async drain(ports: StreamPorts): Promise<BatchSummary> {
    const batch = this.#inbox.toSorted(byPosition);
    this.#inbox = [];
    let notifications = 0;
    for (const [index, signal] of batch.entries()) {
      const opening = this.#takeOpening(signal);
      const now = opening?.first.now ?? ports.now();
      let decision = this.#decide(signal, now, ports, opening?.decision);
      if (decision.reason === 'stale' && (await ports.hasIntent(notificationIdOf(this.key, signal.position))))
        decision = shouldNotifyAtAnyAge(this.#state, signal, now);
      if (!decision.notify) {
        this.#addSilence(signal, decision.reason, now);
        continue;
      }
      const order = orderFor(this.key, this.#state, signal, decision, now);
      const unwritten = this.#unwritten();
      const result = await ports.deliver(unwritten === null ? order : { ...order, unwritten });
      if (this.settle(order, result)) notifications++;
      if (this.#underWay !== null) {
        this.#inbox = [...batch.slice(index + 1), ...this.#inbox];
        return { signals: index + 1, notifications };
      }
    }
    if (this.#outcomes.length > 0) await this.#record(ports);
    return { signals: batch.length, notifications };
  }

  /**
   * Makes durable what no row holds yet: before a stream ends its last position must be in the database, or an older issue
   * that becomes visible late would be decided as if it were new. A delivery has done so already, unless its outcome could
   * not be persisted; a resolve that was owed leaves the position as it was.
   */
  async flush(ports: StreamPorts): Promise<void> {
    const hasMoved = this.#state.lastPosition !== this.#durablePosition;
    if (hasMoved || this.#outcomes.length > 0) await this.#record(ports);
    else if (this.#silent.length > 0 && ports.hasPatch('decision-ledger')) await this.#record(ports);
  }

  /**
   * Makes the stream ready for the next run: what is buffered is few enough to be carried on, what was superseded by it and
   * all else that no row holds is persisted. Returns the delivery with which the next run goes on.
   */
  async handOver(ports: StreamPorts, maxSignals: number): Promise<DeliveryUnderWay | null> {
    do {
      const { kept, superseded } = compactInbox(this.#inbox, maxSignals);
      this.#inbox = [...kept];
      if (superseded !== null) {
        const at = ports.now();
        const { first, last } = superseded;
        // The state stays before these: their positions are not decided, but passed over.
        this.#silent.push({
          ...superseded,
          first: { position: first, at },
          last: { position: last, at },
        });
      }
      await this.flush(ports);
      // Signals that arrived meanwhile are part of what is carried on.
    } while (this.#inbox.length > maxSignals);
    if (this.#underWay === null) return null;
    const { unwritten: _, ...order } = this.#underWay.order;
    return { ...this.#underWay, order };
  }

  async #record(ports: StreamPorts): Promise<void> {
    const state = this.#state;
    await ports.record(this.key, state, this.#unwritten() ?? {});
    this.#durablePosition = state.lastPosition;
    this.#silent = [];
    this.#outcomes = [];
  }

  #unwritten(): StreamRecord | null {
    if (this.#silent.length === 0 && this.#outcomes.length === 0) return null;
    return {
      ...(this.#silent.length === 0 ? {} : { silent: this.#silent }),
      ...(this.#outcomes.length === 0 ? {} : { outcomes: this.#outcomes }),
    };
  }

  /** The first decision, for the signal that it is about, as long as nothing was decided before it. */
  #takeOpening(signal: IssueSignal): Opening | null {
    const opening = this.#opening;
    if (opening === null || opening.first.signal !== signal) return null;
    this.#opening = null;
    return opening.state === this.#state ? opening : null;
  }

  /** The first decision of a run whose `openStream` did not return it. */
  #decideOnceMore({ signal, now }: FirstSignal, ports: Pick<StreamPorts, 'hasPatch'>): NotifyDecision | null {
    const decision = this.#decide(signal, now, ports);
    // What was delivered was begun before it became stale.
    const atAnyAge = decision.reason === 'stale' ? shouldNotifyAtAnyAge(this.#state, signal, now) : decision;
    return atAnyAge.notify ? atAnyAge : null;
  }

  /**
   * Decides with the rules that this execution has. Most decisions depend on no late rule, so none is asked for.
   * `known` is the decision with all rules, where it was made before.
   */
  #decide(
    signal: IssueSignal,
    now: number,
    ports: Pick<StreamPorts, 'hasPatch'>,
    known?: Decision,
  ): Decision {
    let rules = LATE_RULES;
    let decision = known ?? shouldNotify(this.#state, signal, now, rules);
    while (decision.rule !== undefined && !ports.hasPatch(decision.rule)) {
      const { rule } = decision;
      rules = rules.filter((each) => each !== rule);
      decision = shouldNotify(this.#state, signal, now, rules);
    }
    return decision;
  }

  #addSilence(signal: IssueSignal, reason: SilenceReason, at: number): void {
    this.#state = applyDecision(this.#state, signal, reason);
    const { position } = signal;
    const version = signal.policy?.version ?? 0;
    // A signal that is not newer belongs to no run: it was decided out of order.
    const since = reason === 'older_than_last' ? position : (this.#state.silence?.since ?? position);
    const here = { position, at };
    const open = this.#silent.at(-1);
    if (open !== undefined && open.reason === reason && open.since === since && open.version === version) {
      this.#silent[this.#silent.length - 1] = { ...open, last: here, count: open.count + 1 };
    } else {
      this.#silent.push({ reason, since, version, first: here, last: here, count: 1 });
    }
  }
}

function byPosition(a: IssueSignal, b: IssueSignal): number {
  return comparePositions(a.position, b.position);
}

function outlineOf({
  notificationId,
  kind,
  reason,
  issue,
  decidedAt,
}: DeliveryOrder): UnrecordedOutcome['order'] {
  return { notificationId, kind, reason, issue, decidedAt };
}
