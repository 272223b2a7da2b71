import type { NotifiedIssue } from '@heliograph/notifier';
import type { StoredDeliveryRequest } from '@heliograph/notifier/channels';
import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import type { DeliveryOrder } from '../contract/delivery-order.ts';
import { notificationIdOf } from '../contract/notification-id.ts';
import type { DeliveryTarget } from '../apps/connected-app-store.ts';
import type { StoredIssue } from '../issues/issue.ts';
import { episodeAfter } from '../stream/episode.ts';
import type { BodyInputs } from './body-inputs.ts';

/**
 * Builds what a channel sends for an order: to the app as it is now, with the body inputs of the first claim. Where the
 * app has another provider by now, its settings are its own.
 */
export function buildRequest(
  order: DeliveryOrder,
  { app, secret }: DeliveryTarget,
  issue: StoredIssue,
  inputs: BodyInputs,
): Omit<StoredDeliveryRequest, 'timeoutMs' | 'signal' | 'permit'> {
  const { stream, state } = order;
  const isSameProvider = inputs.provider === app.provider;
  return {
    provider: app.provider,
    settings: app.settings,
    bodySettings: isSameProvider ? inputs.settings : undefined,
    secret,
    notification: {
      id: order.notificationId,
      kind: order.kind,
      reason: inputs.reason,
      streamId: alertWorkflowId(stream),
      episodeId: episodeIdOf(order),
      route: { id: stream.routeId, name: inputs.routeName },
      connectedApp: { id: app.id, name: inputs.appName },
      sequence: inputs.sequence,
      issue: contentOf(issue),
      externalId: isSameProvider ? inputs.externalId : (state.externalIds[app.provider] ?? null),
    },
  };
}

/** An episode is named by the issue that opened it; one that is older than episodes, by its stream. */
function episodeIdOf({ stream, kind, issue, state }: DeliveryOrder): string {
  const opener = kind === 'trigger' ? episodeAfter(state, issue.position) : (state.episode ?? null);
  return opener === null ? alertWorkflowId(stream) : notificationIdOf(stream, opener);
}

/** What a provider learns of an issue: not where and when we keep it. */
function contentOf(issue: StoredIssue): NotifiedIssue {
  const { eventId, monitor, fingerprint, status, severity, labels, annotations, startsAt, endsAt } = issue;
  return { eventId, monitor, fingerprint, status, severity, labels, annotations, startsAt, endsAt };
}
