import { isDatabaseError } from '@heliograph/database';
import type { Outcome } from '@heliograph/notifier';
import type { ChannelRegistry, StoredDeliveryRequest } from '@heliograph/notifier/channels';
import type { AppHealthStore, AppTarget } from '../apps/app-health-store.ts';
import type { ConnectedAppStore, DeliveryTarget } from '../apps/connected-app-store.ts';
import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import type { DeliveryOrder, DeliveryResult } from '../contract/delivery-order.ts';
import type { DropCode } from '../contract/reasons.ts';
import type { StoredIssue } from '../issues/issue.ts';
import type { IssueStore } from '../issues/issue-store.ts';
import type { StreamStore } from '../stream/stream-store.ts';
import type { AppGate, Delay, Permit } from './app-gate.ts';
import { buildRequest } from './build-request.ts';
import type { AttemptMade } from './delivery-entries.ts';
import type { Intent, IntentStore } from './intent-store.ts';
import {
  type AttemptCase,
  type AttemptPlan,
  type HealthChange,
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
  readonly channels: Pick<ChannelRegistry, 'deliver' | 'lookUp'>;
  readonly gate: AppGate;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Receives the outcome of every attempt. */
  readonly onOutcome?: (attempt: {
    readonly order: DeliveryOrder;
    readonly provider: string;
    readonly outcome: Outcome;
    readonly durationMs: number;
  }) => void;
  /** Receives every dropped notification. */
  readonly onDrop?: (drop: { readonly order: DeliveryOrder; readonly code: DropCode }) => void;
  /** Receives failures to persist. */
  readonly onWriteFailure?: (failure: { readonly workflowId: string; readonly error: unknown }) => void;
}

/** What one attempt led to: the end of the notification, or a reason to go on. */
export type Attempt =
  | DeliveryEnd
  | {
      readonly kind: 'again';
      readonly code: string;
      /** How long the app is throttled, in milliseconds; null if the provider did not ask to wait. */
      readonly throttledMs: number | null;
      /** Nothing was sent: the app gate gave no permit. */
      readonly hadNoPermit?: boolean;
    };

/** The end of a notification. */
export type DeliveryEnd = Extract<DeliveryResult, { kind: 'delivered' | 'dropped' }>;

/** How an attempt is made. */
export interface AttemptOptions {
  /** The longest time that the provider gets, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Acquires a permit from the app gate, or returns how long that would take. */
  readonly acquirePermit: (target: AppTarget) => Permit | Delay | Promise<Permit | Delay>;
}

/**
 * Makes one attempt: resolves the target, acquires a permit, claims the intent, sends, and records the outcome. What
 * follows the claim and the outcome is decided by the planners; this only carries their plans out.
 */
export async function attemptDelivery(
  dependencies: DeliveryDependencies,
  order: DeliveryOrder,
  options: AttemptOptions,
): Promise<Attempt> {
  const { intents, channels, now } = dependencies;
  const found = await acquireTarget(dependencies, order, options);
  if (typeof found === 'string') return dropNotification(dependencies, order, found);
  const { permit } = found;
  if ('waitMs' in permit) {
    return { kind: 'again', code: 'RATE_LIMITED', throttledMs: permit.waitMs, hadNoPermit: true };
  }
  const { app } = found.target;
  try {
    options.signal?.throwIfAborted();
    const request = buildRequest(order, found.target, found.issue, options);
    const claim = await intents.claim({ order, provider: app.provider });
    const about: AttemptCase = { order, app, claim };
    let plan = planAfterClaim(about, { at: now(), isCancelled: options.signal?.aborted === true });
    for (;;) {
      const recorded = await carryOut(dependencies, order, { app, plan });
      const { next } = plan;
      switch (next.kind) {
        case 'send':
          plan = planAfterOutcome(about, await send(dependencies, { about, request, permit }), now());
          break;
        case 'look-up':
          plan = planAfterLookUp(about, { answer: await channels.lookUp(request), at: now() });
          break;
        case 'retry':
          return { kind: 'again', code: next.code, throttledMs: next.throttledMs };
        case 'drop':
          return await dropNotification(dependencies, order, next.code, next.attempt);
        case 'end':
          return { ...next.result, recorded };
        case 'stop':
          throw options.signal?.reason;
      }
    }
  } finally {
    permit.release('other');
  }
}

/** Drops a notification; where that cannot be persisted, the stream has to do it later. */
export async function dropNotification(
  dependencies: DeliveryDependencies,
  order: DeliveryOrder,
  code: DropCode,
  attempt?: AttemptMade,
): Promise<DeliveryEnd> {
  const intent = await readIntent(dependencies, order);
  const plan = planDrop(order, code, { intent, attempt, at: dependencies.now() });
  const { result } = plan.next;
  if (result.kind === 'dropped') dependencies.onDrop?.({ order, code });
  return { ...result, recorded: await carryOut(dependencies, order, { app: null, plan }) };
}

/**
 * Acquires a permit for the target as it is when the permit is granted: after a wait, the app may have other settings, and
 * what waits for its permit again then waits for that of the new ones.
 */
async function acquireTarget(
  dependencies: DeliveryDependencies,
  order: DeliveryOrder,
  { acquirePermit }: AttemptOptions,
): Promise<(TargetFound & { readonly permit: Permit | Delay }) | DropCode> {
  const { gate } = dependencies;
  let found = await loadTarget(dependencies, order);
  for (;;) {
    if (typeof found === 'string') return found;
    const { app } = found.target;
    gate.learn(app, app.health.throttledForMs);
    const permit = await acquirePermit(app);
    if ('waitMs' in permit) return { ...found, permit };
    try {
      // Read a moment ago where it did not have to wait.
      found = await loadTarget(dependencies, order);
    } catch (error) {
      permit.release('other');
      throw error;
    }
    if (typeof found !== 'string' && found.target.app.targetVersion === app.targetVersion)
      return { ...found, permit };
    permit.release('other');
  }
}

interface TargetFound {
  readonly target: DeliveryTarget;
  readonly issue: StoredIssue;
}

/** Loads the target and the issue, or returns the code with which the notification is dropped. */
async function loadTarget(
  { connectedApps, issues }: DeliveryDependencies,
  { stream, issue: { position, eventId } }: DeliveryOrder,
): Promise<TargetFound | DropCode> {
  const [target, issue] = await Promise.all([
    connectedApps.deliveryTarget(stream).catch(unreadableSecret),
    issues.read({ position, eventId }),
  ]);
  if (target === null) return 'CONNECTED_APP_MISSING';
  if (typeof target === 'string') return target;
  return issue === null ? 'ISSUE_MISSING' : { target, issue };
}

/** A secret whose key is gone stays unreadable, however often it is tried. */
function unreadableSecret(error: unknown): 'SECRET_UNREADABLE' {
  const code = isDatabaseError(error) ? error.code : undefined;
  if (code === 'DATABASE_SEALED_KEY_UNKNOWN' || code === 'DATABASE_SEALED_CORRUPT')
    return 'SECRET_UNREADABLE';
  throw error;
}

async function send(
  { channels, now, onOutcome }: DeliveryDependencies,
  {
    about: { order, app, claim },
    request,
    permit,
  }: { readonly about: AttemptCase; readonly request: StoredDeliveryRequest; readonly permit: Permit },
): Promise<AttemptMade> {
  const sentAt = performance.now();
  const at = now();
  const outcome = await channels.deliver(request);
  const durationMs = performance.now() - sentAt;
  if (outcome.kind === 'rate-limited') permit.throttle(throttleOf(outcome.retryAfterMs));
  else permit.release(outcome.kind === 'delivered' ? 'accepted' : 'other');
  const { provider } = app;
  onOutcome?.({ order, provider, outcome, durationMs });
  return { at, claims: claim.claims, provider, outcome, durationMs };
}

/** Persists the rows of a plan; false if that failed and the plan does not require it. */
async function carryOut(
  dependencies: DeliveryDependencies,
  order: DeliveryOrder,
  { app, plan }: { readonly app: AppTarget | null; readonly plan: AttemptPlan },
): Promise<boolean> {
  const { rows, mustPersist = false, health = [] } = plan;
  const { streams, onWriteFailure } = dependencies;
  const tryWrite = async (run: () => Promise<void>): Promise<boolean> => {
    try {
      await run();
      return true;
    } catch (error) {
      onWriteFailure?.({ workflowId: alertWorkflowId(order.stream), error });
      return false;
    }
  };
  if (mustPersist && rows !== undefined) await streams.write(rows);
  const [isPersisted] = await Promise.all([
    rows === undefined || mustPersist || tryWrite(() => streams.write(rows)),
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
    case 'disabled':
      return health.disable(target);
  }
}

/** Reads what is known about a notification; null if nothing is known, or it cannot be read now. */
async function readIntent(
  { intents, onWriteFailure }: DeliveryDependencies,
  { stream, notificationId }: DeliveryOrder,
): Promise<Intent | null> {
  try {
    const [intent] = await intents.read([notificationId]);
    return intent ?? null;
  } catch (error) {
    onWriteFailure?.({ workflowId: alertWorkflowId(stream), error });
    return null;
  }
}
