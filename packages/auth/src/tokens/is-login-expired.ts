import { sql, type SQL } from 'drizzle-orm';

/**
 * Whether a login of `auth.refresh_families`, which the query names without an alias, had expired at an instant, by default now:
 * its own time is over, or that of the token with which it could go on. A token that was exchanged keeps no login alive.
 */
export function isLoginExpired(at: SQL = sql`now()`): SQL<boolean> {
  return sql<boolean>`(refresh_families.expires_at <= ${at} or not exists (
    select from auth.refresh_tokens t
    where t.family_id = refresh_families.id and t.used_at is null and t.expires_at > ${at}))`;
}
