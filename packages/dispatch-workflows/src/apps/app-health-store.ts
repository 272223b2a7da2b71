import type { Postgres } from '@heliograph/database';
import { runStatement } from '../stores/run-statement.ts';

/** What deliveries learned about a connected app. */
export interface AppHealth {
  /** How much longer the app is throttled, in milliseconds; 0 if it is not. */
  readonly throttledForMs: number;
  /** Set while the latest response was a permanent refusal. */
  readonly failure: { readonly code: string; readonly status: number | null; readonly since: number } | null;
}

/** Health of connected apps, for all processes. Every method throws `DatabaseError`. */
export interface AppHealthStore {
  /** Records that the provider asked to wait; a longer wait that is known already stays. */
  recordThrottle(appId: string, forMs: number): Promise<void>;
  /** Records a permanent refusal by the provider. */
  recordFailure(
    appId: string,
    failure: { readonly code: string; readonly status: number | null },
  ): Promise<void>;
  /** Records that the provider accepted a request again. */
  recordRecovery(appId: string): Promise<void>;
  /** Disables an app whose receiver answers that it is gone. */
  disable(appId: string): Promise<void>;
}

/** The health of the apps of one database; rows of apps that were removed meanwhile are not written. */
export function createAppHealthStore({ sql }: Pick<Postgres, 'sql'>): AppHealthStore {
  return {
    recordThrottle: (appId, forMs) =>
      runStatement('write that an app is throttled', async () => {
        await sql`
          insert into dispatch.connected_app_health as known (connected_app_id, throttled_until)
          select id, now() + ${forMs}::float8 * interval '1 millisecond' from dispatch.connected_apps where id = ${appId}
          on conflict (connected_app_id) do update set
            throttled_until = greatest(known.throttled_until, excluded.throttled_until), updated_at = now()`;
      }),
    recordFailure: (appId, { code, status }) =>
      runStatement('write that an app refuses', async () => {
        await sql`
          insert into dispatch.connected_app_health as known
            (connected_app_id, failing_since, failure_code, failure_status)
          select id, now(), ${code}, ${status} from dispatch.connected_apps where id = ${appId}
          on conflict (connected_app_id) do update set
            failing_since = coalesce(known.failing_since, excluded.failing_since), updated_at = now(),
            failure_code = excluded.failure_code, failure_status = excluded.failure_status`;
      }),
    recordRecovery: (appId) =>
      runStatement('write that an app works', async () => {
        await sql`
          update dispatch.connected_app_health set
            failing_since = null, failure_code = null, failure_status = null, updated_at = now()
          where connected_app_id = ${appId} and failing_since is not null`;
      }),
    disable: (appId) =>
      runStatement('switch a connected app off', async () => {
        await sql`
          update dispatch.connected_apps set enabled = false, version = version + 1, updated_at = now()
          where id = ${appId} and enabled`;
      }),
  };
}
