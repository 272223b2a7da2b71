import type { Postgres } from '@heliograph/database';
import { systemClock, type Clock } from '@heliograph/service';
import { and, asc, eq, getTableColumns, gt, sql } from 'drizzle-orm';
import { AuthError } from '../errors.ts';
import { runStatement, runTransaction } from '../run-statement.ts';
import { refreshFamilies } from '../schema.ts';
import { isLoginExpired } from './is-login-expired.ts';
import { endLogins, lockHoldersOf } from './login-holder.ts';

/** A login as it is stored, without its tokens. Instants are epoch milliseconds. */
export interface Login {
  readonly id: string;
  /** Whom its tokens stand for. */
  readonly principalId: string;
  /** Null where the caller is limited to no tenant. */
  readonly tenant: string | null;
  readonly state: 'active' | 'expired' | 'revoked';
  readonly createdAt: number;
  /** When its newest token was issued. */
  readonly refreshedAt: number;
  /** When it expires unless its newest token is exchanged before. */
  readonly expiresAt: number;
  /** When it ends, however often it is refreshed. */
  readonly endsAt: number;
  readonly revokedAt: number | null;
  readonly revokedFor: (typeof refreshFamilies.$inferSelect)['revokedFor'];
}

/** Logins, as whoever operates them sees them. `within` limits to one tenant; null is everywhere. Methods throw `DatabaseError`. */
export interface LoginStore {
  list(page: {
    readonly within: string | null;
    readonly principalId?: string | undefined;
    readonly afterId: string | null;
    readonly limit: number;
  }): Promise<readonly Login[]>;
  /** @throws {AuthError} AUTH_LOGIN_NOT_FOUND */
  get(id: string, within: string | null): Promise<Login>;
  /** Ends a login for good; one that was revoked stays as it is. `@throws {AuthError}` AUTH_LOGIN_NOT_FOUND */
  revoke(id: string, within: string | null): Promise<void>;
  /** Ends every login of a caller, also those that begin at this moment; returns how many had not ended. */
  revokeAll(principalId: string, within: string | null): Promise<number>;
}

/** Every login has one token that was not exchanged, its newest one, also where that has expired. */
const newestToken = (column: 'created_at' | 'expires_at') =>
  sql<string>`(select (extract(epoch from t.${sql.raw(column)}) * 1000)::bigint::text
    from auth.refresh_tokens t where t.family_id = refresh_families.id and t.used_at is null
    order by t.created_at desc limit 1)`;

/** The logins of one database. */
export function createLoginStore(
  postgres: Pick<Postgres, 'db'>,
  { clock = systemClock }: { readonly clock?: Clock } = {},
): LoginStore {
  const { db } = postgres;
  const columns = () => ({
    ...getTableColumns(refreshFamilies),
    refreshedAt: newestToken('created_at'),
    tokenExpiresAt: newestToken('expires_at'),
    isExpired: isLoginExpired(sql`${new Date(clock.now()).toISOString()}::timestamptz`),
  });
  const inTenant = (within: string | null) =>
    within === null ? undefined : eq(refreshFamilies.tenant, within);
  const isLogin = (id: string, within: string | null) => and(eq(refreshFamilies.id, id), inTenant(within));
  const missing = (id: string): AuthError => new AuthError('AUTH_LOGIN_NOT_FOUND', `there is no login ${id}`);
  const loginOf = ({
    tenant,
    createdAt,
    expiresAt: endsAt,
    revokedAt,
    refreshedAt,
    tokenExpiresAt,
    isExpired,
    ...row
  }: Row): Login => {
    return {
      id: row.id,
      principalId: row.principalId,
      tenant: tenant === '' ? null : tenant,
      state: revokedAt !== null ? 'revoked' : isExpired ? 'expired' : 'active',
      createdAt: createdAt.getTime(),
      refreshedAt: Number(refreshedAt),
      expiresAt: Number(tokenExpiresAt),
      endsAt: endsAt.getTime(),
      revokedAt: revokedAt?.getTime() ?? null,
      revokedFor: row.revokedFor,
    };
  };
  return {
    list: ({ within, principalId, afterId, limit }) =>
      runStatement('list logins', async () => {
        const rows = await db
          .select(columns())
          .from(refreshFamilies)
          .where(
            and(
              inTenant(within),
              principalId === undefined ? undefined : eq(refreshFamilies.principalId, principalId),
              afterId === null ? undefined : gt(refreshFamilies.id, afterId),
            ),
          )
          .orderBy(asc(refreshFamilies.id))
          .limit(limit);
        return rows.map(loginOf);
      }),
    get: (id, within) =>
      runStatement('read a login', async () => {
        const [row] = await db.select(columns()).from(refreshFamilies).where(isLogin(id, within));
        if (row === undefined) throw missing(id);
        return loginOf(row);
      }),
    revoke: (id, within) =>
      runTransaction(postgres, 'revoke a login', async (tx) => {
        const ended = await endLogins(tx, isLogin(id, within), 'operator');
        if (ended > 0) return;
        const rows = await tx
          .select({ id: refreshFamilies.id })
          .from(refreshFamilies)
          .where(isLogin(id, within));
        if (rows.length === 0) throw missing(id);
      }),
    revokeAll: (principalId, within) =>
      runTransaction(postgres, 'revoke the logins of a caller', async (tx) => {
        await lockHoldersOf(tx, principalId, within);
        return endLogins(
          tx,
          and(eq(refreshFamilies.principalId, principalId), inTenant(within)),
          'principal',
        );
      }),
  };
}

type Row = typeof refreshFamilies.$inferSelect & {
  readonly refreshedAt: string;
  readonly tokenExpiresAt: string;
  readonly isExpired: boolean;
};
