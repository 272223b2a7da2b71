import type { NotifiedIssue, Outcome } from '@heliograph/notifier';
import type { ChannelRegistry } from '@heliograph/notifier/channels';
import { isDatabaseError } from '@heliograph/database';
import { alertWorkflowId } from '../alert-workflow-id.ts';
import type { DeliveryOrder, DeliveryResult, DropCode, OpenedStream, StreamKey } from '../contract.ts';
import { MAX_WAIT_IN_SLOT_MS } from '../contract.ts';
import { notified } from '../decide/should-notify.ts';
import type { ConnectedAppStore } from '../stores/connected-app-store.ts';
import type { IssueStore } from '../stores/issue-store.ts';
import type { StoredIssue } from '../stores/issue.ts';
import type { StreamStore } from '../stores/stream-store.ts';

/** What a delivery works with. */
export interface DeliveryDependencies {
  readonly issues: Pick<IssueStore, 'read'>;
  readonly connectedApps: Pick<ConnectedAppStore, 'deliveryTarget'>;
  readonly streams: Pick<StreamStore, 'read' | 'record'>;
  readonly channels: Pick<ChannelRegistry, 'deliver'>;
  /** Hears what became of every attempt. */
  readonly onOutcome?: (attempt: {
    readonly order: DeliveryOrder;
    readonly provider: string;
    readonly outcome: Outcome;
    readonly durationMs: number;
  }) => void;
  /** Hears of a notification that is given up. */
  readonly onDrop?: (drop: { readonly order: DeliveryOrder; readonly code: DropCode }) => void;
  /** Hears of a state row that could not be written after a delivery. */
  readonly onRecordFailure?: (failure: { readonly workflowId: string; readonly error: unknown }) => void;
}

/** What one attempt came to: an end, or a reason to go on. */
type Attempt =
  | Extract<DeliveryResult, { kind: 'delivered' | 'dropped' }>
  | { readonly kind: 'again'; readonly code: string; readonly retryAfterMs: number | null };

/** Longest time that the first attempt gives the provider, in milliseconds; with both databases it fits into 3 s. */
const QUICK_TIMEOUT_MS = 2000;
/** Longest time that a later attempt gives the provider, in milliseconds. */
const PATIENT_TIMEOUT_MS = 10_000;

/** One short attempt: what does not end here goes on in `deliverPatiently`. */
export async function deliverAndRecord(
  dependencies: DeliveryDependencies,
  order: DeliveryOrder,
  signal?: AbortSignal,
): Promise<DeliveryResult> {
  const attempt = await attemptOnce(dependencies, order, QUICK_TIMEOUT_MS, signal);
  if (attempt.kind === 'dropped') dependencies.onDrop?.({ order, code: attempt.code });
  return attempt.kind === 'again'
    ? { kind: 'pending', code: attempt.code, waitMs: attempt.retryAfterMs ?? 0 }
    : attempt;
}

/** Reads a stream's state and, where it was never notified, makes the first attempt of what was decided for that case. */
export async function openStream(
  dependencies: DeliveryDependencies,
  stream: StreamKey,
  ifNeverNotified: DeliveryOrder | null,
  signal?: AbortSignal,
): Promise<OpenedStream> {
  const state = await dependencies.streams.read(stream);
  const never = state.lastPosition === null && state.status === 'none';
  if (ifNeverNotified === null || !never) return { state, delivery: null };
  const delivery = await deliverAndRecord(dependencies, { ...ifNeverNotified, stateIsFresh: true }, signal);
  return { state, delivery };
}

/** What a patient delivery needs of its activity. */
export interface Patience {
  /** Milliseconds that earlier attempts of this activity spent; they count against the time to live. */
  readonly spentMs: number;
  heartbeat(spentMs: number): void;
  readonly signal: AbortSignal;
  now(): number;
  /** Between 0 and 1. */
  random(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
const MIN_RETRY_AFTER_MS = 1000;

/**
 * Attempts until the provider takes it, refuses it for good, or the notification is too old. Waits for as long as a
 * provider asks to, else with exponential backoff and jitter; a wait longer than `MAX_WAIT_IN_SLOT_MS` is handed back.
 */
export async function deliverPatiently(
  dependencies: DeliveryDependencies,
  order: DeliveryOrder,
  patience: Patience,
): Promise<DeliveryResult> {
  const startedAt = patience.now() - patience.spentMs;
  // An earlier attempt may have been cut off between the provider's answer and ours.
  const later: DeliveryOrder = { ...order, stateIsFresh: false };
  let waitMs = patience.spentMs > 0 ? 0 : (order.waitMs ?? 0);
  let code = 'WAITING';
  for (let failures = order.failures ?? 0; ;) {
    const spentMs = patience.now() - startedAt;
    // Waiting for longer than it is worth would only hold the slot.
    if (waitMs >= order.timeToLiveMs - spentMs) {
      dependencies.onDrop?.({ order, code: 'EXPIRED' });
      return { kind: 'dropped', code: 'EXPIRED' };
    }
    if (waitMs > MAX_WAIT_IN_SLOT_MS) return { kind: 'pending', code, waitMs, failures };
    patience.heartbeat(spentMs);
    if (waitMs > 0) await patience.sleep(waitMs, patience.signal);
    patience.heartbeat(patience.now() - startedAt);
    const attempt = await attemptOnce(dependencies, later, PATIENT_TIMEOUT_MS, patience.signal);
    if (attempt.kind === 'dropped') dependencies.onDrop?.({ order, code: attempt.code });
    if (attempt.kind !== 'again') return attempt;
    patience.signal.throwIfAborted();
    ({ code } = attempt);
    waitMs =
      attempt.retryAfterMs === null
        ? Math.min(FIRST_BACKOFF_MS * 2 ** failures++, MAX_BACKOFF_MS) * (0.5 + patience.random() / 2)
        : Math.max(attempt.retryAfterMs, MIN_RETRY_AFTER_MS);
  }
}

async function attemptOnce(
  { issues, connectedApps, streams, channels, onOutcome, onRecordFailure }: DeliveryDependencies,
  order: DeliveryOrder,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Attempt> {
  const { stream, issue: signalled } = order;
  const [target, issue, recorded] = await Promise.all([
    connectedApps.deliveryTarget(stream).catch(unreadableSecret),
    issues.read({ position: signalled.position, eventId: signalled.eventId }),
    order.stateIsFresh === true ? order.state : streams.read(stream),
  ]);
  if (target === null) return { kind: 'dropped', code: 'CONNECTED_APP_MISSING' };
  if (target === 'unreadable') return { kind: 'dropped', code: 'SECRET_UNREADABLE' };
  const { app, secret, routeName } = target;
  // The count grows only with a delivery: an attempt that was cut off after it has nothing left to do.
  if (recorded.notificationCount > order.state.notificationCount) {
    const externalId = recorded.externalIds[app.provider] ?? null;
    return { kind: 'delivered', provider: app.provider, externalId, recorded: true };
  }
  if (issue === null) return { kind: 'dropped', code: 'ISSUE_MISSING' };
  const workflowId = alertWorkflowId(stream);
  const sentAt = performance.now();
  const outcome = await channels.deliver({
    provider: app.provider,
    settings: app.settings,
    secret,
    timeoutMs,
    signal,
    notification: {
      id: order.notificationId,
      kind: order.kind,
      streamId: workflowId,
      route: { id: stream.routeId, name: routeName ?? stream.routeId },
      connectedApp: { id: app.id, name: app.name },
      sequence: order.state.notificationCount,
      issue: contentOf(issue),
      externalId: order.state.externalIds[app.provider] ?? null,
    },
  });
  onOutcome?.({ order, provider: app.provider, outcome, durationMs: performance.now() - sentAt });
  switch (outcome.kind) {
    case 'delivered': {
      const delivery = { now: order.decidedAt, provider: app.provider, externalId: outcome.externalId };
      let written = true;
      try {
        await streams.record(stream, notified(order.state, signalled, delivery));
      } catch (error) {
        // It is delivered: failing here would send it again.
        written = false;
        onRecordFailure?.({ workflowId, error });
      }
      return { kind: 'delivered', provider: app.provider, externalId: outcome.externalId, recorded: written };
    }
    case 'rejected':
      return outcome.retryable
        ? { kind: 'again', code: outcome.code, retryAfterMs: null }
        : { kind: 'dropped', code: 'REJECTED' };
    case 'rate-limited':
      return { kind: 'again', code: 'RATE_LIMITED', retryAfterMs: outcome.retryAfterMs };
    case 'uncertain':
      return { kind: 'again', code: outcome.code, retryAfterMs: null };
  }
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
