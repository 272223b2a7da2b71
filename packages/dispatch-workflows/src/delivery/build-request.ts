import type { NotifiedIssue } from '@heliograph/notifier';
import type { StoredDeliveryRequest } from '@heliograph/notifier/channels';
import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import type { DeliveryOrder } from '../contract/delivery-order.ts';
import { notificationIdOf } from '../contract/notification-id.ts';
import type { DeliveryTarget } from '../apps/connected-app-store.ts';
import type { StoredIssue } from '../issues/issue.ts';

/** Builds what a channel sends for an order; `timeoutMs` is the longest time that the provider gets. */
export function buildRequest(
  order: DeliveryOrder,
  { app, secret, routeName }: DeliveryTarget,
  issue: StoredIssue,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
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

/** An episode is named by the issue that opened it; one that is older than episodes, by its stream. */
function episodeIdOf({ stream, kind, issue, state }: DeliveryOrder): string {
  const opener = kind === 'trigger' ? issue.position : (state.episode ?? null);
  return opener === null ? alertWorkflowId(stream) : notificationIdOf(stream, opener);
}

/** What a provider learns of an issue: not where and when we keep it. */
function contentOf(issue: StoredIssue): NotifiedIssue {
  const { eventId, monitor, fingerprint, status, severity, labels, annotations, startsAt, endsAt } = issue;
  return { eventId, monitor, fingerprint, status, severity, labels, annotations, startsAt, endsAt };
}
