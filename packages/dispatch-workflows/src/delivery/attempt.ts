import { isDatabaseError } from '@heliograph/database';
import type { NotifiedIssue, Outcome } from '@heliograph/notifier';
import type { ChannelRegistry, StoredDeliveryRequest } from '@heliograph/notifier/channels';
import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import type { DeliveryOrder, DeliveryResult } from '../contract/delivery-order.ts';
import { DROP_CODES, type DropCode } from '../contract/reasons.ts';
import { notificationIdOf } from '../contract/notification-id.ts';
import type { AppHealthStore } from '../apps/app-health-store.ts';
import type { Claim } from './claim-intents.ts';
import { isInDoubt } from './intent-status.ts';
import type { Intent, IntentStore } from './intent-store.ts';
import type { ConnectedAppStore, DeliveryTarget } from '../apps/connected-app-store.ts';
import type { UncertainPolicy } from '../apps/uncertain-policy.ts';
import type { IssueStore } from '../issues/issue-store.ts';
import type { StoredIssue } from '../issues/issue.ts';
import type { StreamStore, StreamWrite } from '../stream/stream-store.ts';
import type { AppGate, Delay, Turn } from './app-gate.ts';
import {
  type AttemptMade,
  attemptRows,
  cutOffRows,
  deliveredBefore,
  type Ending,
  endingRows,
} from './delivery-rows.ts';

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
  /** Hears what became of every sending. */
  readonly onOutcome?: (sending: {
    readonly order: DeliveryOrder;
    readonly provider: string;
    readonly outcome: Outcome;
    readonly durationMs: number;
  }) => void;
  /** Hears of a notification that is given up. */
  readonly onDrop?: (drop: { readonly order: DeliveryOrder; readonly code: DropCode }) => void;
  /** Hears of rows that could not be written. */
  readonly onWriteFailure?: (failure: { readonly workflowId: string; readonly error: unknown }) => void;
}

/** What one attempt came to: an end, or a reason to go on. */
export type Attempt =
  | Extract<DeliveryResult, { kind: 'delivered' | 'dropped' }>
  | {
      readonly kind: 'again';
      readonly code: string;
      /** How long the app is to be left alone by everybody, in milliseconds; null where it said nothing of the kind. */
      readonly throttledMs: number | null;
      /** Nothing was sent: the app's turn has not come. */
      readonly hadNoTurn?: boolean;
    };

/** How an attempt is made. */
export interface AttemptOptions {
  /** Longest time for the provider, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Takes a turn at the app's gate, or says how long that would take. */
  readonly enter: (appId: string) => Turn | Delay | Promise<Turn | Delay>;
}

/** The longest that a provider's word keeps an app closed before it is asked again, in milliseconds. */
const MAX_THROTTLE_MS = 3_600_000;
/** A wait below this would be no wait, in milliseconds. */
const MIN_RETRY_AFTER_MS = 1000;

/**
 * One attempt: look where to, take a turn, write the intent, send, write what became of it. Nothing is sent without an
 * intent; one that was cut off before is `uncertain`, and the app's policy says what to do about it.
 */
export async function attemptDelivery(
  dependencies: DeliveryDependencies,
  order: DeliveryOrder,
  options: AttemptOptions,
): Promise<Attempt> {
  const { connectedApps, issues, gate } = dependencies;
  const { stream, issue: signalled } = order;
  const [target, issue] = await Promise.all([
    connectedApps.deliveryTarget(stream).catch(unreadableSecret),
    issues.read({ position: signalled.position, eventId: signalled.eventId }),
  ]);
  if (target === null) return drop(dependencies, order, 'CONNECTED_APP_MISSING');
  if (target === 'unreadable') return drop(dependencies, order, 'SECRET_UNREADABLE');
  if (issue === null) return drop(dependencies, order, 'ISSUE_MISSING');
  const { id: appId, health } = target.app;
  gate.learn(appId, health.throttledForMs);
  const turn = await options.enter(appId);
  if ('waitMs' in turn) {
    return { kind: 'again', code: 'RATE_LIMITED', throttledMs: turn.waitMs, hadNoTurn: true };
  }
  try {
    options.signal?.throwIfAborted();
    const request = requestOf(order, target, issue, options);
    const claim = await dependencies.intents.claim({ order, provider: target.app.provider });
    await stopUnsent(dependencies, order, claim, options.signal);
    const known = await alreadySettled(dependencies, order, { target, claim, request });
    if (known !== null) return known;
    const sentAt = performance.now();
    const at = dependencies.now();
    const outcome = await dependencies.channels.deliver(request);
    const durationMs = performance.now() - sentAt;
    if (outcome.kind === 'rate-limited') turn.throttled(throttleOf(outcome.retryAfterMs));
    else turn.end(outcome.kind === 'delivered' ? 'accepted' : 'other');
    const { provider } = target.app;
    dependencies.onOutcome?.({ order, provider, outcome, durationMs });
    const { claims } = claim;
    return await concluded(dependencies, order, target, { at, claims, provider, outcome, durationMs });
  } finally {
    turn.end('other');
  }
}

/**
 * Gives a notification up. Where that cannot be written, the stream has to do it later. What an earlier sending turns
 * out to have delivered is not given up; and a trigger that may have arrived leaves something that may be open.
 */
export async function drop(
  dependencies: DeliveryDependencies,
  order: DeliveryOrder,
  code: DropCode,
  attempt?: AttemptMade,
): Promise<Extract<DeliveryResult, { kind: 'delivered' | 'dropped' }>> {
  const intent = await knownIntent(dependencies, order);
  if (intent?.status === 'delivered' && intent.provider !== null) {
    const { provider, externalId } = intent;
    const recorded = await written(dependencies, deliveredBefore(order, provider, externalId));
    return { kind: 'delivered', provider, externalId, recorded };
  }
  dependencies.onDrop?.({ order, code });
  // The sending that was refused now is not in doubt; those before it may be.
  const mayHaveArrived =
    intent !== null && (intent.wasUncertain || (attempt === undefined && isInDoubt(intent.status)));
  const mayBeOpen = order.kind === 'trigger' && mayHaveArrived;
  const doubt = mayBeOpen ? ({ mayBeOpen } as const) : {};
  const recorded = await writeEnding(dependencies, order, { kind: 'dropped', code, ...doubt }, attempt);
  return { kind: 'dropped', code, recorded, ...doubt };
}

/** What is known of a notification that ends without a delivery; null where nothing is, or nobody can tell now. */
async function knownIntent(
  dependencies: DeliveryDependencies,
  { stream, notificationId }: DeliveryOrder,
): Promise<Intent | null> {
  try {
    const [intent] = await dependencies.intents.read([notificationId]);
    return intent ?? null;
  } catch (error) {
    dependencies.onWriteFailure?.({ workflowId: alertWorkflowId(stream), error });
    return null;
  }
}

/** An attempt that was stopped before anything was sent says so, or the next one would have to doubt it. */
async function stopUnsent(
  dependencies: DeliveryDependencies,
  { stream, notificationId }: DeliveryOrder,
  { before, claims }: Claim,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (signal?.aborted !== true) return;
  if (before === null || before === 'refused') {
    const intents = [{ notificationId, status: 'refused', claims, code: 'NOT_SENT' }] as const;
    await written(dependencies, { stream, intents });
  }
  signal.throwIfAborted();
}

/** What an earlier sending of the same notification leaves to do: null is to send it. */
async function alreadySettled(
  dependencies: DeliveryDependencies,
  order: DeliveryOrder,
  {
    target,
    claim,
    request,
  }: { readonly target: DeliveryTarget; readonly claim: Claim; readonly request: StoredDeliveryRequest },
): Promise<Attempt | null> {
  const { provider, uncertainPolicy } = target.app;
  const { before, claims } = claim;
  switch (before) {
    case null:
    case 'refused':
      return null;
    case 'delivered':
      // Its rows were written together. The state is written once more, for whoever waits for it: it is the same.
      return {
        kind: 'delivered',
        provider,
        externalId: claim.externalId,
        recorded: await written(dependencies, deliveredBefore(order, provider, claim.externalId)),
      };
    case 'dropped':
      if (order.reason === 'resolve_owed') return null;
      return {
        kind: 'dropped',
        code: dropCodeOf(claim.code),
        recorded: true,
        ...(order.kind === 'trigger' && claim.wasUncertain ? { mayBeOpen: true } : {}),
      };
    case 'intended':
    case 'uncertain':
      // The ledger has to say so before anything is done about it. Where it says so already, the same entry is one.
      await dependencies.streams.write(cutOffRows(order, { at: dependencies.now(), claims, provider }));
      break;
  }
  const found = await dependencies.channels.lookUp(request);
  if (found === 'not-delivered') return null;
  if (found === 'delivered')
    return settle(dependencies, order, { kind: 'delivered', provider, externalId: null }, { claims });
  return mayResend(uncertainPolicy, order)
    ? null
    : settle(dependencies, order, { kind: 'assumed', provider }, { claims });
}

/** Draws the consequences of what a provider answered. */
async function concluded(
  dependencies: DeliveryDependencies,
  order: DeliveryOrder,
  { app }: DeliveryTarget,
  attempt: AttemptMade,
): Promise<Attempt> {
  const { outcome, provider, claims } = attempt;
  switch (outcome.kind) {
    case 'delivered':
      if (app.health.failure !== null)
        await noted(dependencies, order, () => dependencies.health.working(app.id));
      return settle(
        dependencies,
        order,
        { kind: 'delivered', provider, externalId: outcome.externalId },
        { claims, attempt },
      );
    case 'rejected':
      if (outcome.retryable) {
        await written(dependencies, attemptRows(order, attempt));
        return { kind: 'again', code: outcome.code, throttledMs: null };
      }
      await noted(dependencies, order, () =>
        dependencies.health.failing(app.id, { code: outcome.code, status: outcome.status }),
      );
      // Only the receiver's own word that it is gone for ever: a wrong 401 must not silence pages.
      if (outcome.code === 'GONE' && provider === 'webhook')
        await noted(dependencies, order, () => dependencies.health.disable(app.id));
      return drop(dependencies, order, 'REJECTED', attempt);
    case 'rate-limited': {
      const throttledMs = throttleOf(outcome.retryAfterMs);
      await Promise.all([
        written(dependencies, attemptRows(order, attempt)),
        noted(dependencies, order, () => dependencies.health.throttled(app.id, throttledMs)),
      ]);
      return { kind: 'again', code: 'RATE_LIMITED', throttledMs };
    }
    case 'uncertain':
      if (!mayResend(app.uncertainPolicy, order)) {
        return settle(dependencies, order, { kind: 'assumed', provider }, { claims, attempt });
      }
      await written(dependencies, attemptRows(order, attempt));
      return { kind: 'again', code: outcome.code, throttledMs: null };
  }
}

async function settle(
  dependencies: DeliveryDependencies,
  order: DeliveryOrder,
  ending: Exclude<Ending, { kind: 'dropped' }>,
  { claims, attempt }: { readonly claims: number; readonly attempt?: AttemptMade },
): Promise<Extract<DeliveryResult, { kind: 'delivered' }>> {
  // It is delivered: failing here would send it again.
  const recorded = await writeEnding(dependencies, order, ending, attempt, claims);
  const externalId = ending.kind === 'delivered' ? ending.externalId : null;
  const { provider } = ending;
  return {
    kind: 'delivered',
    provider,
    externalId,
    recorded,
    ...(ending.kind === 'assumed' ? { assumed: true } : {}),
  };
}

function writeEnding(
  dependencies: DeliveryDependencies,
  order: DeliveryOrder,
  ending: Ending,
  attempt?: AttemptMade,
  claims: number | null = attempt?.claims ?? null,
): Promise<boolean> {
  const at = dependencies.now();
  const rows = endingRows(order, ending, { at, claims, ...(attempt === undefined ? {} : { attempt }) });
  return written(dependencies, rows);
}

/** Writes rows; false where that was not possible. */
async function written(dependencies: DeliveryDependencies, rows: StreamWrite): Promise<boolean> {
  try {
    await dependencies.streams.write(rows);
    return true;
  } catch (error) {
    dependencies.onWriteFailure?.({ workflowId: alertWorkflowId(rows.stream), error });
    return false;
  }
}

/** What is good to know of an app, but no reason to fail a delivery. */
async function noted(
  { onWriteFailure }: DeliveryDependencies,
  { stream }: DeliveryOrder,
  note: () => Promise<void>,
): Promise<void> {
  try {
    await note();
  } catch (error) {
    onWriteFailure?.({ workflowId: alertWorkflowId(stream), error });
  }
}

function mayResend(policy: UncertainPolicy, { reason }: DeliveryOrder): boolean {
  return policy === 'resend-all' || (policy === 'resend-pages' && reason !== 'renotify');
}

function throttleOf(retryAfterMs: number): number {
  return Math.min(MAX_THROTTLE_MS, Math.max(MIN_RETRY_AFTER_MS, retryAfterMs));
}

/** A code of another release is told as the most general one. */
function dropCodeOf(code: string | null): DropCode {
  return DROP_CODES.find((known) => known === code) ?? 'REJECTED';
}

function requestOf(
  order: DeliveryOrder,
  { app, secret, routeName }: DeliveryTarget,
  issue: StoredIssue,
  { timeoutMs, signal }: AttemptOptions,
): StoredDeliveryRequest {
  const { stream, state } = order;
  return {
    provider: app.provider,
    settings: app.settings,
    secret,
    timeoutMs,
    signal,
    notification: {
      id: order.notificationId,
      kind: order.kind,
      reason: order.reason,
      streamId: alertWorkflowId(stream),
      episodeId: episodeIdOf(order),
      route: { id: stream.routeId, name: routeName ?? stream.routeId },
      connectedApp: { id: app.id, name: app.name },
      sequence: state.notificationCount,
      issue: contentOf(issue),
      externalId: state.externalIds[app.provider] ?? null,
    },
  };
}

/** An episode is named by the issue that opened it; one from before episodes were kept, by its stream. */
function episodeIdOf({ stream, kind, issue, state }: DeliveryOrder): string {
  const opener = kind === 'trigger' ? issue.position : (state.episode ?? null);
  return opener === null ? alertWorkflowId(stream) : notificationIdOf(stream, opener);
}

/** What a provider is told of an issue: not where and when we keep it. */
function contentOf(issue: StoredIssue): NotifiedIssue {
  const { eventId, monitor, fingerprint, status, severity, labels, annotations, startsAt, endsAt } = issue;
  return { eventId, monitor, fingerprint, status, severity, labels, annotations, startsAt, endsAt };
}

/** A secret whose key is gone stays unreadable, however often it is tried. */
function unreadableSecret(error: unknown): 'unreadable' {
  const code = isDatabaseError(error) ? error.code : undefined;
  if (code === 'DATABASE_SEALED_KEY_UNKNOWN' || code === 'DATABASE_SEALED_CORRUPT') return 'unreadable';
  throw error;
}
