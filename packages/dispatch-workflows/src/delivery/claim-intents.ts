import { createBatchedReader, withDeadline, type Postgres } from '@heliograph/database';
import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import type { DeliveryOrder } from '../contract/delivery-order.ts';
import type { Position } from '../contract/position.ts';
import { storableJson } from '../stores/storable-json.ts';
import { type BodyInputs, readBodyInputs } from './body-inputs.ts';
import { type IntentStatus, UNDER_WAY_SQL } from './intent-status.ts';

/** A batch that hangs would also block those behind it; in milliseconds. */
const BATCH_DEADLINE_MS = 10_000;

/** What was known of a notification when an attempt claimed its intent. */
export interface Claim {
  /**
   * Null: nothing. `intended`: an attempt was interrupted of which nobody knows what became, and its intent is `uncertain`
   * now.
   */
  readonly before: IntentStatus | null;
  /** How many attempts were begun, this one included. */
  readonly claims: number;
  /** Names the attempt that claimed it. */
  readonly token: string;
  readonly externalId: string | null;
  readonly code: string | null;
  /** Whether the outcome of any attempt was ever unknown. */
  readonly wasUncertain: boolean;
  /** Of a settled one that which delivered it, otherwise that of the claim. */
  readonly provider: string;
  /** Those of the first claim. */
  readonly inputs: BodyInputs;
  /**
   * The newest position that its stream has decided by now, also if nobody knows what became of that notification; absent
   * if it has decided none.
   */
  readonly passedTo?: Position;
}

/** What is about to be sent, to which provider, and made of what. */
export interface ClaimRequest {
  readonly order: DeliveryOrder;
  readonly provider: string;
  /** See `tokenAfter`. */
  readonly token: string;
  /** Stored unless an earlier claim has stored its own. */
  readonly inputs: BodyInputs;
}

interface ClaimRow {
  readonly notification_id: string;
  readonly before: Claim['before'];
  readonly claims: number;
  readonly attempt_token: string;
  readonly external_id: string | null;
  readonly code: string | null;
  readonly was_uncertain: boolean;
  readonly provider: string | null;
  readonly body_inputs: string | null;
  readonly passed_to: string | null;
}

/**
 * Claims intents, concurrent ones in one statement. What is delivered stays so, and so does what was dropped, unless the
 * sweep resends its resolve; anything else becomes `intended`, or `uncertain` where it may have been sent before.
 *
 * A claim that is repeated because its answer was lost is the same claim and gets the same answer (`is_repeated`). Of an
 * attempt that its token says to have sent nothing, it takes the claim over, as if that had never been (`is_unsent`); one
 * that was refused leaves no doubt, although no row says so (`is_refused`). A claim that was given up and comes late
 * changes nothing: it rejects.
 */
export function createClaims(sql: Postgres['sql']): (request: ClaimRequest) => Promise<Claim> {
  const write = createBatchedReader<ClaimRequest, ClaimRow>({
    keyOf: (key) =>
      'order' in key
        ? `${key.order.notificationId} ${key.token}`
        : `${key.notification_id} ${key.attempt_token}`,
    readMany: async (requests) => {
      const rows: ClaimRow[] = [];
      // One statement changes a row only once, so claims of one notification by several attempts follow each other.
      for (const batch of splitByNotification(requests)) rows.push(...(await claimMany(sql, batch)));
      return rows;
    },
  });
  return async (request) => {
    const row = await write(request);
    if (row === null)
      throw new TypeError(
        `notification ${request.order.notificationId}: this attempt was given up, and another one has claimed it`,
      );
    const stored: unknown = row.body_inputs === null ? null : JSON.parse(row.body_inputs);
    return {
      before: row.before,
      claims: row.claims,
      token: row.attempt_token,
      externalId: row.external_id,
      code: row.code,
      wasUncertain: row.was_uncertain,
      provider: row.provider ?? request.provider,
      inputs: readBodyInputs(stored) ?? request.inputs,
      ...(row.passed_to === null ? {} : { passedTo: row.passed_to }),
    };
  };
}

function claimMany(sql: Postgres['sql'], requests: readonly ClaimRequest[]): Promise<readonly ClaimRow[]> {
  return withDeadline(
    BATCH_DEADLINE_MS,
    'claim intents',
    () => sql<ClaimRow[]>`
      with given as (
        select * from jsonb_to_recordset((${storableJson(requests.map(rowOf))}::text)::jsonb) as given
          (notification_id text, workflow_id text, fingerprint text, route_id text, connected_app_id text,
           event_id text, position numeric, kind text, reason text, decided_at timestamptz, provider text,
           attempt_token text, body_inputs jsonb)
      )
      insert into dispatch.delivery_intents as known
        (notification_id, workflow_id, fingerprint, route_id, connected_app_id, event_id, position, kind, reason,
         decided_at, provider, attempt_token, body_inputs, status)
      select given.*, 'intended' from given order by notification_id
      on conflict (notification_id) do update set
        (status, found_status, was_uncertain, claims, reason, provider, attempt_token, body_inputs, updated_at) = (
          select
            case when is_repeated or is_unsent then known.status
              when is_refused or known.status = 'refused' then 'intended'
              when known.status = 'intended' then 'uncertain'
              when known.status = 'dropped' and excluded.reason = 'resolve_owed' then 'intended'
              else known.status end,
            case when is_repeated or is_unsent then known.found_status
              when is_refused then 'refused' else known.status end,
            known.was_uncertain
              or (known.status = 'intended' and not is_repeated and not is_unsent and not is_refused),
            case when is_repeated or is_unsent then known.claims else known.claims + 1 end,
            case when is_repeated then known.reason else excluded.reason end,
            case when is_repeated or known.status = 'delivered' then known.provider else excluded.provider end,
            case when is_repeated then known.attempt_token else excluded.attempt_token end,
            coalesce(known.body_inputs, excluded.body_inputs),
            case when is_repeated then known.updated_at else now() end
          from (
            select
              coalesce(name = any(known_names) or name || '+' = any(known_names), false) as is_repeated,
              known.status in ('intended', 'uncertain') and coalesce(known_name = any(names), false) as is_unsent,
              known.status in ('intended', 'uncertain') and coalesce(known_name || '+' = any(names), false)
                as is_refused
            from (select
              split_part(excluded.attempt_token, '.', 1) as name, split_part(known.attempt_token, '.', 1) as known_name,
              string_to_array(excluded.attempt_token, '.') as names,
              string_to_array(known.attempt_token, '.') as known_names
            ) as tokens
          ) as attempts)
      returning notification_id, found_status as before, claims, attempt_token, external_id, code, was_uncertain,
        provider, body_inputs::text,
        greatest(
          (select s.last_position from dispatch.stream_state s where s.workflow_id = known.workflow_id),
          (select max(other.position) from dispatch.delivery_intents other
            where other.fingerprint = known.fingerprint and other.workflow_id = known.workflow_id
              and other.notification_id <> known.notification_id
              and other.status in ${sql.unsafe(UNDER_WAY_SQL)} and other.status <> 'refused'))::text as passed_to`,
  );
}

/** Batches in each of which every notification has one token. */
function splitByNotification(requests: readonly ClaimRequest[]): readonly (readonly ClaimRequest[])[] {
  const batches: Map<string, ClaimRequest>[] = [];
  for (const request of requests) {
    const { notificationId } = request.order;
    const place = batches.findIndex(
      (batch) => (batch.get(notificationId) ?? request).token === request.token,
    );
    const batch = batches[place] ?? new Map<string, ClaimRequest>();
    if (place === -1) batches.push(batch);
    batch.set(notificationId, request);
  }
  return batches.map((batch) => [...batch.values()]);
}

function rowOf({ order: { stream, issue, ...order }, provider, token, inputs }: ClaimRequest) {
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
    attempt_token: token,
    body_inputs: inputs,
  };
}
