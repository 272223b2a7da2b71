import type { Postgres } from '@heliograph/database';
import type { ConnectedApp } from './connected-app-store.ts';
import { runStatement } from '../stores/run-statement.ts';

/** What deliveries learned about a connected app. */
export interface AppHealth {
  /** How much longer the app is throttled, in milliseconds; 0 if it is not. */
  readonly throttledForMs: number;
  /** When the throttle ends by the database's clock, in milliseconds since the epoch; absent if there is none. */
  readonly throttledUntil?: number;
  /** Set while the latest response was a permanent refusal. */
  readonly failure: { readonly code: string; readonly status: number | null; readonly since: number } | null;
}

/** What an attempt was made with: an app, and which of its targets. */
export type AppTarget = Pick<ConnectedApp, 'id' | 'targetVersion'>;

/**
 * Health of connected apps, for all processes. Nothing is written if the app was removed, or has another provider, other
 * settings or another secret by now: what an attempt learned then says nothing about it. Every method throws
 * `DatabaseError`.
 */
export interface AppHealthStore {
  /** Records that the provider asked to wait; a longer wait that is known already stays. */
  recordThrottle(target: AppTarget, forMs: number): Promise<void>;
  /**
   * Records that the provider accepted a request although it had asked to wait until then, as `throttledUntil` said when
   * the request was made. A throttle that ends later was learnt since, and stays.
   */
  recordThrottleEnd(target: AppTarget, throttledUntil: number): Promise<void>;
  /** Records a permanent refusal by the provider. */
  recordFailure(
    target: AppTarget,
    failure: { readonly code: string; readonly status: number | null },
  ): Promise<void>;
  /** Records that the provider accepted a request again. */
  recordRecovery(target: AppTarget): Promise<void>;
  /** Disables an app whose receiver answers that it is gone, and records that answer with it. */
  disable(target: AppTarget): Promise<void>;
}

/** The health of the apps of one database. What is known of an earlier target is replaced, and never outlives a later one. */
export function createAppHealthStore({ sql }: Pick<Postgres, 'sql'>): AppHealthStore {
  return {
    recordThrottle: ({ id, targetVersion }, forMs) =>
      runStatement('write that an app is throttled', async () => {
        await sql`
          insert into dispatch.connected_app_health as known (connected_app_id, target_version, throttled_until)
          select id, target_version, now() + ${forMs}::float8 * interval '1 millisecond'
          from dispatch.connected_apps where id = ${id} and target_version = ${targetVersion}
          on conflict (connected_app_id) do update set
            throttled_until = case when known.target_version = excluded.target_version
              then greatest(known.throttled_until, excluded.throttled_until) else excluded.throttled_until end,
            failing_since = case when known.target_version = excluded.target_version then known.failing_since end,
            failure_code = case when known.target_version = excluded.target_version then known.failure_code end,
            failure_status = case when known.target_version = excluded.target_version then known.failure_status end,
            target_version = excluded.target_version, updated_at = now()
          where known.target_version <= excluded.target_version`;
      }),
    recordThrottleEnd: ({ id, targetVersion }, throttledUntil) =>
      runStatement('write that an app is throttled no longer', async () => {
        await sql`
          update dispatch.connected_app_health set throttled_until = null, updated_at = now()
          where connected_app_id = ${id} and target_version = ${targetVersion}
            and (extract(epoch from throttled_until) * 1000)::bigint <= ${Math.ceil(throttledUntil)}`;
      }),
    recordFailure: ({ id, targetVersion }, { code, status }) =>
      runStatement('write that an app refuses', async () => {
        await sql`
          insert into dispatch.connected_app_health as known
            (connected_app_id, target_version, failing_since, failure_code, failure_status)
          select id, target_version, now(), ${code}, ${status}
          from dispatch.connected_apps where id = ${id} and target_version = ${targetVersion}
          on conflict (connected_app_id) do update set
            failing_since = case when known.target_version = excluded.target_version
              then coalesce(known.failing_since, excluded.failing_since) else excluded.failing_since end,
            throttled_until = case when known.target_version = excluded.target_version then known.throttled_until end,
            failure_code = excluded.failure_code, failure_status = excluded.failure_status,
            target_version = excluded.target_version, updated_at = now()
          where known.target_version <= excluded.target_version`;
      }),
    recordRecovery: ({ id, targetVersion }) =>
      runStatement('write that an app works', async () => {
        await sql`
          update dispatch.connected_app_health set
            failing_since = null, failure_code = null, failure_status = null, updated_at = now()
          where connected_app_id = ${id} and target_version = ${targetVersion} and failing_since is not null`;
      }),
    disable: ({ id, targetVersion }) =>
      runStatement('switch a connected app off', async () => {
        // One statement: an app that is disabled for no visible reason would look well.
        await sql`
          with disabled as (
            update dispatch.connected_apps set enabled = false, version = version + 1, updated_at = now()
            where id = ${id} and target_version = ${targetVersion} and enabled returning id, target_version
          )
          insert into dispatch.connected_app_health as known
            (connected_app_id, target_version, failing_since, failure_code, failure_status)
          select id, target_version, now(), 'GONE', 410 from disabled
          on conflict (connected_app_id) do update set
            failing_since = case when known.target_version = excluded.target_version
              then coalesce(known.failing_since, excluded.failing_since) else excluded.failing_since end,
            throttled_until = case when known.target_version = excluded.target_version then known.throttled_until end,
            failure_code = excluded.failure_code, failure_status = excluded.failure_status,
            target_version = excluded.target_version, updated_at = now()
          where known.target_version <= excluded.target_version`;
      }),
  };
}
