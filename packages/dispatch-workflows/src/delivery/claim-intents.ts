import { createBatchedReader, withDeadline, type Postgres } from '@heliograph/database';
import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import type { DeliveryOrder } from '../contract/delivery-order.ts';
import type { IntentStatus } from './intent-status.ts';
import { storableJson } from '../stores/storable-json.ts';

/** A batch that hangs would also block those behind it; in milliseconds. */
const BATCH_DEADLINE_MS = 10_000;

/** What was known of a notification when an attempt claimed its intent. */
export interface Claim {
  /** Null: nothing. `intended`: an earlier attempt was interrupted, and its intent is `uncertain` now. */
  readonly before: IntentStatus | null;
  /** How many attempts were begun, this one included. */
  readonly claims: number;
  readonly externalId: string | null;
  readonly code: string | null;
  /** Whether the outcome of any attempt was ever unknown. */
  readonly wasUncertain: boolean;
}

interface ClaimRow {
  readonly notification_id: string;
  readonly before: Claim['before'];
  readonly claims: number;
  readonly external_id: string | null;
  readonly code: string | null;
  readonly was_uncertain: boolean;
}

/** What is about to be sent, and to which provider. */
export interface ClaimRequest {
  readonly order: DeliveryOrder;
  readonly provider: string;
}

/**
 * Claims intents, concurrent ones in one statement. What is delivered stays so, and so does what was dropped, unless the
 * sweep resends its resolve; anything else becomes `intended`, or `uncertain` where it may have been sent before.
 */
export function createClaims(sql: Postgres['sql']): (request: ClaimRequest) => Promise<Claim> {
  const write = createBatchedReader<ClaimRequest, ClaimRow>({
    keyOf: (key) => ('order' in key ? key.order.notificationId : key.notification_id),
    readMany: (requests) => {
      const rows = [
        ...new Map(requests.map((request) => [request.order.notificationId, rowOf(request)])).values(),
      ];
      return withDeadline(
        BATCH_DEADLINE_MS,
        'claim intents',
        () => sql<ClaimRow[]>`
        with given as (
          select * from jsonb_to_recordset((${storableJson(rows)}::text)::jsonb) as given
            (notification_id text, workflow_id text, fingerprint text, route_id text, connected_app_id text,
             event_id text, position numeric, kind text, reason text, decided_at timestamptz, provider text)
        )
        insert into dispatch.delivery_intents as known
          (notification_id, workflow_id, fingerprint, route_id, connected_app_id, event_id, position, kind, reason,
           decided_at, provider, status)
        select given.*, 'intended' from given order by notification_id
        on conflict (notification_id) do update set
          status = case
            when known.status = 'intended' then 'uncertain'
            when known.status = 'refused' then 'intended'
            when known.status = 'dropped' and excluded.reason = 'resolve_owed' then 'intended'
            else known.status end,
          found_status = known.status, was_uncertain = known.was_uncertain or known.status = 'intended',
          reason = excluded.reason, claims = known.claims + 1, updated_at = now()
        returning notification_id, found_status as before, claims, external_id, code, was_uncertain`,
      );
    },
  });
  return async (request) => {
    const row = await write(request);
    if (row === null) throw new TypeError(`the intent of ${request.order.notificationId} was not claimed`);
    const { before, claims, code } = row;
    return { before, claims, externalId: row.external_id, code, wasUncertain: row.was_uncertain };
  };
}

function rowOf({ order: { stream, issue, ...order }, provider }: ClaimRequest) {
  return {
    notification_id: order.notificationId,
    workflow_id: alertWorkflowId(stream),
    fingerprint: stream.fingerprint,
    route_id: stream.routeId,
    connected_app_id: stream.connectedAppId,
    event_id: issue.eventId,
    position: issue.position,
    kind: order.kind,
    reason: order.reason,
    decided_at: new Date(order.decidedAt).toISOString(),
    provider,
  };
}
