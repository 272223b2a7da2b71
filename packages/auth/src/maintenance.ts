import { queryWith, type Postgres } from '@heliograph/database';
import { sql } from 'drizzle-orm';
import * as v from 'valibot';
import { AuthError } from './errors.ts';
import { cleanUpAlone, type CleanUpResult } from './clean-up.ts';
import { runStatement } from './run-statement.ts';
import { shareRuns } from './share-runs.ts';
import { isLoginExpired } from './tokens/is-login-expired.ts';

/** How many rows the schema `auth` holds. */
export interface AuthCounts {
  readonly keys: StateCounts;
  readonly members: number;
  readonly roles: number;
  readonly logins: StateCounts;
  /** Tokens of all logins, those that were exchanged included. */
  readonly refreshTokens: number;
  /** The purposes with the most nonces, 100 at most; null for one tenant, because nonces belong to none. */
  readonly nonces:
    | readonly {
        readonly purpose: string;
        readonly open: number;
        readonly used: number;
        readonly expired: number;
      }[]
    | null;
}

/** How many are in each state. */
export interface StateCounts {
  readonly active: number;
  readonly expired: number;
  readonly revoked: number;
}

/** What a clean-up by hand removed; `hasMore` if it stopped before the end. */
export type CleanUpReport = CleanUpResult & { readonly hasMore: boolean };

/**
 * Looks after all that the schema `auth` holds, on at most one connection for counts and one for the lock of a clean-up,
 * however many ask at once: those who ask for the same while it runs share it. Methods throw `DatabaseError`.
 */
export interface AuthMaintenance {
  /** Counts what a tenant has; null is everywhere. */
  count(within: string | null): Promise<AuthCounts>;
  /**
   * Removes what has expired, as `startCleanUp` does: 10,000 rows of a table at most.
   *
   * @throws {AuthError} AUTH_CLEAN_UP_RUNNING while another process does
   */
  cleanUp(): Promise<CleanUpReport>;
  /** Ends the connection for counts. */
  close(): Promise<void>;
}

const BATCH_SIZE = 1000;
const MAX_BATCHES = 10;

/** The maintenance of one database. */
export function createAuthMaintenance(postgres: Pick<Postgres, 'db' | 'separate'>): AuthMaintenance {
  // A count reads every row. It takes no connection from requests, and only one statement runs at a time.
  const connection = postgres.separate();
  const db = queryWith(connection);
  const clean = shareRuns(() => cleanUpAlone(postgres, { batchSize: BATCH_SIZE, maxBatches: MAX_BATCHES }));
  return {
    count: shareRuns((within: string | null) =>
      runStatement('count what authentication holds', async () => {
        const [row] = await db.execute<{ readonly counts: string }>(countsOf(within));
        return v.parse(countsSchema, JSON.parse(row?.counts ?? 'null'));
      }),
    ),
    cleanUp: async () => {
      const removed = await clean(null);
      if (removed === null)
        throw new AuthError('AUTH_CLEAN_UP_RUNNING', 'another process is cleaning up at this moment');
      const hasMore = Object.values(removed).includes(BATCH_SIZE * MAX_BATCHES);
      return { ...removed, hasMore };
    },
    close: () => connection.end({ timeout: 1 }),
  };
}

/** One statement, so that the figures belong together. */
function countsOf(within: string | null) {
  const inTenant = sql`(${within}::text is null or tenant = ${within})`;
  const states = (isExpired: ReturnType<typeof sql>) => sql`jsonb_build_object(
    'active', count(*) filter (where revoked_at is null and not ${isExpired}),
    'expired', count(*) filter (where revoked_at is null and ${isExpired}),
    'revoked', count(*) filter (where revoked_at is not null))`;
  const isKeyExpired = sql`(expires_at is not null and expires_at <= now())`;
  return sql`select jsonb_build_object(
    'keys', (select ${states(isKeyExpired)} from auth.api_keys where ${inTenant}),
    'members', (select count(*) from auth.members where ${inTenant}),
    'roles', (select count(*) from auth.roles where ${inTenant}),
    'logins', (select ${states(isLoginExpired())} from auth.refresh_families where ${inTenant}),
    'refreshTokens', (select count(*) from auth.refresh_tokens t
      join auth.refresh_families on id = t.family_id where ${inTenant}),
    'nonces', case when ${within}::text is null then (
      select coalesce(jsonb_agg(of_purpose), '[]') from (
        select purpose,
          count(*) filter (where used_at is null and expires_at > now()) as open,
          count(*) filter (where used_at is not null) as used,
          count(*) filter (where used_at is null and expires_at <= now()) as expired
        from auth.nonces group by purpose order by count(*) desc, purpose limit 100) of_purpose) end
  )::text as counts`;
}

const stateCounts = v.object({ active: v.number(), expired: v.number(), revoked: v.number() });
const countsSchema = v.object({
  keys: stateCounts,
  members: v.number(),
  roles: v.number(),
  logins: stateCounts,
  refreshTokens: v.number(),
  nonces: v.nullable(
    v.array(v.object({ purpose: v.string(), open: v.number(), used: v.number(), expired: v.number() })),
  ),
});
