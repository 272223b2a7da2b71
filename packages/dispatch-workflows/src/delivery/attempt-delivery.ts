import { withDeadline } from '@heliograph/database';
import type { Outcome } from '@heliograph/notifier';
import type { ChannelRegistry, ConnectionPermit } from '@heliograph/notifier/channels';
import type { AppHealthStore, AppTarget } from '../apps/app-health-store.ts';
import type { ConnectedAppStore, DeliveryTarget } from '../apps/connected-app-store.ts';
import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import type { AttemptMade, DeliveryOrder, DeliveryResult, LastAttempt } from '../contract/delivery-order.ts';
import { comparePositions } from '../contract/position.ts';
import type { DropCode } from '../contract/reasons.ts';
import type { StreamState } from '../contract/stream-state.ts';
import type { StoredIssue } from '../issues/issue.ts';
import type { IssueStore } from '../issues/issue-store.ts';
import type { StreamStore } from '../stream/stream-store.ts';
import { acquireTarget } from './acquire-target.ts';
import type { AppGate, Delay, Permit } from './app-gate.ts';
import { tokenAfter } from './attempt-token.ts';
import { bodyInputsOf } from './body-inputs.ts';
import { buildRequest } from './build-request.ts';
import type { Claim } from './claim-intents.ts';
import { claimInTime } from './claim-in-time.ts';
import type { Intent, IntentStore } from './intent-store.ts';
import {
  type AttemptCase,
  type AttemptPlan,
  type HealthChange,
  isPassed,
  planAfterClaim,
  planAfterLookUp,
  planAfterOutcome,
  planDrop,
  throttleOf,
} from './plan-attempt.ts';

/** What a delivery works with. */
export interface DeliveryDependencies {
  readonly issues: Pick<IssueStore, 'read'>;
  readonly connectedApps: Pick<ConnectedAppStore, 'deliveryTarget'>;
  readonly streams: StreamStore;
  readonly intents: Pick<IntentStore, 'claim' | 'read'>;
  readonly health: AppHealthStore;
  readonly channels: Pick<ChannelRegistry, 'bodySettings' | 'reserve' | 'deliver' | 'lookUp'>;
  readonly gate: AppGate;
  /** The longest wait that a provider is granted before it is asked again, in milliseconds; default 5 minutes. */
  readonly maxThrottleMs?: number | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds on a clock that only goes forward, for time limits. */
  readonly elapsed: () => number;
  /** A unique name for an attempt, without `.` and `+`. */
  readonly nameAttempt: () => string;
  /** Waits between two tries of one claim. */
  readonly sleep: (ms: number) => Promise<void>;
  /** Receives the outcome of every attempt. */
  readonly onOutcome?: (attempt: {
    readonly order: DeliveryOrder;
    readonly provider: string;
    readonly outcome: Outcome;
    readonly durationMs: number;
  }) => void;
  /** Receives every dropped notification. */
  readonly onDrop?: (drop: { readonly order: DeliveryOrder; readonly code: DropCode }) => void;
  /** Receives failures to persist or to read back, and what a channel threw instead of returning an outcome. */
  readonly onFailure?: (failure: {
    readonly what: string;
    readonly workflowId: string;
    readonly error: unknown;
  }) => void;
}

/** What one attempt led to: the end of the notification, or a reason to go on. */
export type Attempt =
  | DeliveryEnd
  | {
      readonly kind: 'again';
      readonly code: string;
      /** How long the app is throttled, in milliseconds; null if the provider did not ask to wait. */
      readonly throttledMs: number | null;
      /** Nothing was claimed: the app gate or the connections gave no permit. */
      readonly hadNoPermit?: boolean;
      /** Nothing was sent for another reason. */
      readonly isUnsent?: boolean;
    };

/** The end of a notification. */
export type DeliveryEnd = Extract<DeliveryResult, { kind: 'delivered' | 'dropped' }>;

/** How an attempt is made. */
export interface AttemptOptions {
  /** The longest time that the provider gets, in milliseconds. */
  readonly timeoutMs: number;
  /** The time for all of it, in milliseconds: nothing is sent after it, and the provider gets what is left. Default 25,000. */
  readonly budgetMs?: number;
  /** The longest wait for one of the connections to the receiver, in milliseconds. Default 500. */
  readonly connectionWaitMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Acquires a permit from the app gate, or returns how long that would take. */
  readonly acquirePermit: (target: AppTarget) => Permit | Delay | Promise<Permit | Delay>;
  /** Receives what became of the attempt where no row may hold it; the next one is given it in `order.lastAttempt`. */
  readonly remember?: (last: LastAttempt) => void;
}

/** What is left of the budget has to suffice for this, in milliseconds; otherwise nothing is claimed or sent. */
const SHORTEST_SEND_MS = 200;
/** What reading an intent has in any case, in milliseconds. */
const SHORTEST_READ_MS = 100;
/** What the rows of an outcome have after the budget, in milliseconds. */
const WRITE_GRACE_MS = 400;

/**
 * Makes one attempt: resolves the target, acquires a permit and a connection, claims the intent, sends, and records the
 * outcome. What follows the claim and the outcome is decided by the planners; this only carries their plans out.
 *
 * Whatever fails on the way, what is known stays known: without a claim nothing is sent, and a claim without an answer, a
 * refusal that could not be persisted, and an attempt that was stopped before it sent are remembered.
 */
export async function attemptDelivery(
  dependencies: DeliveryDependencies,
  order: DeliveryOrder,
  options: AttemptOptions,
): Promise<Attempt> {
  const { channels, elapsed } = dependencies;
  const { signal, budgetMs = 25_000, connectionWaitMs = 500 } = options;
  const startedAt = elapsed();
  const found = await acquireTarget(dependencies, order, options);
  if (found === 'SEALING_KEY_UNKNOWN') {
    report(dependencies, order, {
      what: 'a secret is sealed with a key that this process lacks',
      error: null,
    });
    return { ...UNSENT, code: 'SECRET_UNREADABLE' };
  }
  if (typeof found === 'string')
    return dropNotification(dependencies, order, found, { endsAt: startedAt + budgetMs });
  const { permit } = found;
  if ('waitMs' in permit)
    return { kind: 'again', code: 'RATE_LIMITED', throttledMs: permit.waitMs, hadNoPermit: true };
  const { target, issue } = found;
  // Waiting for the app takes nothing from the attempt.
  const endsAt = startedAt + budgetMs + found.waitedMs;
  let connection: ConnectionPermit | null = null;
  try {
    signal?.throwIfAborted();
    const { provider, settings } = target.app;
    connection = await channels.reserve({
      provider,
      settings,
      secret: target.secret,
      waitMs: connectionWaitMs,
      signal,
    });
    signal?.throwIfAborted();
    if (connection === null)
      return { kind: 'again', code: 'NO_CONNECTION', throttledMs: null, hadNoPermit: true };
    const ready = { ...options, target, issue, permit, connection, endsAt };
    return await claimAndSend(dependencies, order, ready);
  } finally {
    connection?.release();
    // Where something was sent, its outcome has released it already.
    permit.release('unsent');
  }
}

const UNSENT = { kind: 'again', throttledMs: null, isUnsent: true } as const;

/** Everything that an attempt has once it may be made. */
interface Ready extends AttemptOptions {
  readonly target: DeliveryTarget;
  readonly issue: StoredIssue;
  readonly permit: Permit;
  readonly connection: ConnectionPermit;
  readonly endsAt: number;
}

async function claimAndSend(
  dependencies: DeliveryDependencies,
  order: DeliveryOrder,
  ready: Ready,
): Promise<Attempt> {
  const { channels, now } = dependencies;
  const { target, signal, endsAt, remember } = ready;
  const { app } = target;
  const inputs = bodyInputsOf(order, target, channels.bodySettings(app.provider, app.settings));
  const token = tokenAfter(order.lastAttempt ?? null, dependencies.nameAttempt());
  const unsent = { token, outcome: 'not-sent' } as const;
  const claim = await claimInTime(
    dependencies,
    { order, provider: app.provider, token, inputs },
    { endsAt: endsAt - SHORTEST_SEND_MS, signal },
  );
  if (claim === null) {
    remember?.(unsent);
    signal?.throwIfAborted();
    return { ...UNSENT, code: 'CLAIM_UNANSWERED' };
  }
  const about: AttemptCase = { order, app, claim, maxThrottleMs: dependencies.maxThrottleMs };
  let plan = planAfterClaim(about, { at: now(), isCancelled: signal?.aborted === true });
  for (;;) {
    const recorded = await carryOut(dependencies, order, { app, plan, endsAt });
    if (!recorded && plan.mustPersist === true) {
      remember?.(unsent);
      return { ...UNSENT, code: 'UNAVAILABLE' };
    }
    const { next } = plan;
    switch (next.kind) {
      case 'send': {
        const made = await send(dependencies, about, ready);
        plan = planAfterOutcome(about, made, now());
        break;
      }
      case 'look-up':
        plan = planAfterLookUp(about, { answer: await lookUp(dependencies, about, ready), at: now() });
        break;
      case 'retry': {
        const { attempt } = next;
        if (!recorded && attempt.outcome.kind !== 'uncertain')
          remember?.({ token, outcome: 'refused', made: attempt });
        return { kind: 'again', code: next.code, throttledMs: next.throttledMs };
      }
      case 'drop':
        return await dropNotification(dependencies, order, next.code, {
          attempt: next.attempt,
          claim,
          endsAt,
        });
      case 'end': {
        if (!isPassed(order, claim)) return { ...next.result, recorded };
        const passedBy = await readAhead(dependencies, order);
        // Without it the stream would go on from what it knew before.
        return passedBy === 'unknown'
          ? { ...UNSENT, code: 'UNAVAILABLE' }
          : { ...next.result, recorded, ...(passedBy === null ? {} : { passedBy }) };
      }
      case 'stop':
        if (!recorded || plan.rows === undefined) remember?.(unsent);
        throw signal?.reason;
    }
  }
}

/** The state of a stream that has decided newer issues than that of the order; null if it has not recorded any yet. */
async function readAhead(
  dependencies: DeliveryDependencies,
  order: DeliveryOrder,
): Promise<StreamState | null | 'unknown'> {
  try {
    const state = await dependencies.streams.read(order.stream);
    const isAhead =
      state.lastPosition !== null && comparePositions(state.lastPosition, order.issue.position) > 0;
    return isAhead ? state : null;
  } catch (error) {
    report(dependencies, order, { what: 'the state of an alert stream could not be read', error });
    return 'unknown';
  }
}

/** Drops a notification; where that cannot be persisted, the stream has to do it later. */
export async function dropNotification(
  dependencies: DeliveryDependencies,
  order: DeliveryOrder,
  code: DropCode,
  made: { readonly attempt?: AttemptMade; readonly claim?: Claim; readonly endsAt?: number } = {},
): Promise<DeliveryEnd> {
  const endsAt = made.endsAt ?? dependencies.elapsed() + DROP_BUDGET_MS;
  const intent = await readIntent(dependencies, order, endsAt);
  const plan = planDrop(order, code, { ...made, intent, at: dependencies.now() });
  const { result } = plan.next;
  if (result.kind === 'dropped') dependencies.onDrop?.({ order, code });
  return { ...result, recorded: await carryOut(dependencies, order, { app: null, plan, endsAt }) };
}

/** How long a drop that no attempt led to may take, in milliseconds; then the stream does it later. */
const DROP_BUDGET_MS = 10_000;

function requestOf(
  { order, claim }: AttemptCase,
  { target, issue, connection, signal }: Ready,
  timeoutMs: number,
) {
  return { ...buildRequest(order, target, issue, claim.inputs), timeoutMs, signal, permit: connection };
}

async function send(
  dependencies: DeliveryDependencies,
  about: AttemptCase,
  ready: Ready,
): Promise<AttemptMade> {
  const { channels, now, onOutcome } = dependencies;
  const { order, app, claim } = about;
  const { permit } = ready;
  const sentAt = performance.now();
  const at = now();
  const timeoutMs = Math.min(ready.timeoutMs, ready.endsAt - dependencies.elapsed());
  let outcome: Outcome;
  try {
    outcome =
      timeoutMs < SHORTEST_SEND_MS ? NOT_SENT : await channels.deliver(requestOf(about, ready, timeoutMs));
  } catch (error) {
    // It may have sent before it threw.
    outcome = { kind: 'uncertain', code: 'CONNECTION_LOST' };
    report(dependencies, order, { what: 'a channel threw instead of returning an outcome', error });
  }
  const durationMs = performance.now() - sentAt;
  if (outcome.kind === 'rate-limited') permit.throttle(throttleOf(outcome.retryAfterMs, about.maxThrottleMs));
  else if (outcome.kind === 'delivered') permit.release('accepted');
  else permit.release(outcome === NOT_SENT ? 'unsent' : 'other');
  const { provider } = app;
  onOutcome?.({ order, provider, outcome, durationMs });
  return { at, claims: claim.claims, token: claim.token, provider, outcome, durationMs };
}

const NOT_SENT: Outcome = { kind: 'rejected', retryable: true, code: 'NOT_SENT', status: null };

async function lookUp(
  dependencies: DeliveryDependencies,
  about: AttemptCase,
  ready: Ready,
): Promise<'delivered' | 'not-delivered' | 'unknown'> {
  const timeoutMs = Math.min(ready.timeoutMs, ready.endsAt - dependencies.elapsed());
  if (timeoutMs < SHORTEST_SEND_MS) return 'unknown';
  try {
    return await dependencies.channels.lookUp(requestOf(about, ready, timeoutMs));
  } catch (error) {
    report(dependencies, about.order, { what: 'a channel threw instead of answering a look-up', error });
    return 'unknown';
  }
}

/** Persists the rows of a plan; false if that failed or took too long. */
async function carryOut(
  dependencies: DeliveryDependencies,
  order: DeliveryOrder,
  {
    app,
    plan: { rows, health = [] },
    endsAt,
  }: { readonly app: AppTarget | null; readonly plan: AttemptPlan; readonly endsAt: number },
): Promise<boolean> {
  const tryWrite = async (run: () => Promise<void>): Promise<boolean> => {
    try {
      const leftMs = Math.max(0, endsAt - dependencies.elapsed()) + WRITE_GRACE_MS;
      await withDeadline(leftMs, 'persist an outcome', run);
      return true;
    } catch (error) {
      report(dependencies, order, { what: 'rows of an alert stream could not be persisted yet', error });
      return false;
    }
  };
  const [isPersisted] = await Promise.all([
    rows === undefined || tryWrite(() => dependencies.streams.write(rows)),
    // Good to know, but no reason to fail a delivery.
    app === null
      ? undefined
      : Promise.all(health.map((change) => tryWrite(() => recordHealth(dependencies, app, change)))),
  ]);
  return isPersisted;
}

/** Of the target that the attempt was made with, whatever the app has become meanwhile. */
function recordHealth(
  { health }: DeliveryDependencies,
  target: AppTarget,
  change: HealthChange,
): Promise<void> {
  switch (change.kind) {
    case 'throttled':
      return health.recordThrottle(target, change.forMs);
    case 'failing':
      return health.recordFailure(target, { code: change.code, status: change.status });
    case 'working':
      return health.recordRecovery(target);
    case 'unthrottled':
      return health.recordThrottleEnd(target, change.throttledUntil);
    case 'disabled':
      return health.disable(target);
  }
}

/** Reads what is known about a notification; null if nothing is known, `unknown` if it cannot be read now. */
async function readIntent(
  dependencies: DeliveryDependencies,
  order: DeliveryOrder,
  endsAt: number,
): Promise<Intent | null | 'unknown'> {
  try {
    const leftMs = Math.max(SHORTEST_READ_MS, endsAt - dependencies.elapsed());
    const [intent] = await withDeadline(leftMs, 'read an intent', () =>
      dependencies.intents.read([order.notificationId]),
    );
    return intent ?? null;
  } catch (error) {
    report(dependencies, order, { what: 'an intent could not be read', error });
    return 'unknown';
  }
}

function report(
  { onFailure }: DeliveryDependencies,
  { stream }: DeliveryOrder,
  { what, error }: { readonly what: string; readonly error: unknown },
): void {
  onFailure?.({ what, workflowId: alertWorkflowId(stream), error });
}
