import { randomBytes } from 'node:crypto';
import type { Postgres } from '@heliograph/database';
import { systemClock, uuidV7Ids, type Clock, type Ids } from '@heliograph/service';
import { eq, getTableColumns } from 'drizzle-orm';
import { AuthError } from '../errors.ts';
import { digestOf } from '../keys/key-format.ts';
import type { Transaction } from '../members/change-tenant.ts';
import { runTransaction } from '../run-statement.ts';
import { refreshFamilies, refreshTokens } from '../schema.ts';
import { decideRefresh, type RefreshRefusal, type RefreshState } from './decide-refresh.ts';
import { endLogins, lockHolder, type LoginHolder } from './login-holder.ts';

/** Options of {@link createRefreshTokenStore}. */
export interface RefreshTokenOptions {
  /** How long a token may wait to be used. Default 14 days. */
  readonly tokenLifeMs?: number;
  /** When a login ends, however often it was refreshed. Default 90 days. */
  readonly familyLifeMs?: number;
  /** How long an exchange may take. Default 12,000. */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
  readonly ids?: Ids;
}

/** A refresh token, shown once. */
export interface IssuedRefreshToken {
  readonly token: string;
  readonly familyId: string;
  readonly expiresAt: number;
}

/** The outcome of an exchange. */
export type RefreshOutcome =
  | {
      readonly kind: 'rotated';
      readonly principalId: string;
      readonly holder: LoginHolder;
      readonly next: IssuedRefreshToken;
    }
  /** `reused`: the login was revoked just now. `revoked`: it had been before. */
  | { readonly kind: RefreshRefusal };

/**
 * Refresh tokens: a login is a family of tokens, each of which is exchanged once for the next one. It belongs to a member
 * or a key, and ends with it: once the member is removed, or the key revoked or expired, none of its tokens is exchanged, and
 * none is issued. Methods throw `DatabaseError`.
 */
export interface RefreshTokenStore {
  /**
   * Begins a login. It ends no later than the key that it belongs to.
   *
   * @throws {AuthError} AUTH_MEMBER_NOT_FOUND, AUTH_KEY_NOT_FOUND, also for a key that is revoked or has expired
   */
  issue(holder: LoginHolder): Promise<IssuedRefreshToken>;
  /**
   * Exchanges a token for its successor. Of several exchanges of one token at the same moment one succeeds; the others
   * are `reused`, and end the login, its newest token included. Other logins of the same caller go on. Whoever hears
   * DATABASE_TIMEOUT may repeat it: an exchange that takes too long is rolled back.
   */
  rotate(token: string): Promise<RefreshOutcome>;
  /** Ends the login of a token, used or not; false if the token is unknown. */
  revoke(token: string): Promise<boolean>;
}

const DAY_MS = 86_400_000;
const TOKEN = /^hgr_[A-Za-z0-9_-]{43}$/;

/** The refresh tokens of one database. */
export function createRefreshTokenStore(
  postgres: Pick<Postgres, 'db'>,
  options: RefreshTokenOptions = {},
): RefreshTokenStore {
  const {
    tokenLifeMs = 14 * DAY_MS,
    familyLifeMs = 90 * DAY_MS,
    clock = systemClock,
    ids = uuidV7Ids,
    timeoutMs,
  } = options;
  const transact = <T>(what: string, run: (tx: Transaction) => Promise<T>): Promise<T> =>
    runTransaction(postgres, what, run, {}, timeoutMs);
  const issueWithin = async (
    tx: Transaction,
    familyId: string,
    familyExpiresAt: number,
    now: number,
  ): Promise<IssuedRefreshToken> => {
    const token = `hgr_${randomBytes(32).toString('base64url')}`;
    const expiresAt = Math.min(now + tokenLifeMs, familyExpiresAt);
    await tx
      .insert(refreshTokens)
      .values({ digest: digestOf(token), familyId, expiresAt: new Date(expiresAt) });
    return { token, familyId, expiresAt };
  };
  /** Finds the login of a token, without a lock. */
  const find = async (tx: Transaction, token: string) => {
    const [found] = TOKEN.test(token)
      ? await tx
          .select(getTableColumns(refreshFamilies))
          .from(refreshTokens)
          .innerJoin(refreshFamilies, eq(refreshFamilies.id, refreshTokens.familyId))
          .where(eq(refreshTokens.digest, digestOf(token)))
      : [];
    return found ?? null;
  };
  /**
   * Locks the login of a token. Exchange and revocation take the same lock first, so that no token is issued after a
   * revocation has been answered.
   */
  const lock = async (tx: Transaction, token: string, familyId: string) => {
    const [family] = await tx
      .select()
      .from(refreshFamilies)
      .where(eq(refreshFamilies.id, familyId))
      .for('update');
    // Read after the lock was had: another exchange may have been in between.
    const [row] = await tx
      .select()
      .from(refreshTokens)
      .where(eq(refreshTokens.digest, digestOf(token)));
    return family === undefined || row === undefined ? null : { family, row };
  };
  const end = (tx: Transaction, familyId: string, why: 'logout' | 'reuse' | 'holder') =>
    endLogins(tx, eq(refreshFamilies.id, familyId), why);
  return {
    issue: (holder) =>
      transact('issue a refresh token', async (tx) => {
        const found = await lockHolder(tx, holder);
        const now = clock.now();
        if (found === null || (found.expiresAt !== null && found.expiresAt <= now)) throw noHolder(holder);
        const familyId = ids.next().replaceAll('-', '');
        const familyExpiresAt = Math.min(now + familyLifeMs, found.expiresAt ?? Infinity);
        await tx.insert(refreshFamilies).values({
          id: familyId,
          principalId: found.principalId,
          tenant: found.tenant,
          ...(holder.kind === 'member' ? { memberId: holder.id } : { keyId: holder.id }),
          expiresAt: new Date(familyExpiresAt),
        });
        return issueWithin(tx, familyId, familyExpiresAt, now);
      }),
    rotate: (token) =>
      transact('exchange a refresh token', async (tx): Promise<RefreshOutcome> => {
        const login = await find(tx, token);
        if (login === null) return { kind: 'unknown' };
        const holder = holderOf(login);
        const isHolderGone = holder === null || (await lockHolder(tx, holder)) === null;
        const locked = await lock(tx, token, login.id);
        if (locked === null) return { kind: 'unknown' };
        const { family, row } = locked;
        const now = clock.now();
        const decision = decideRefresh(stateOf(locked, isHolderGone), now);
        if (decision === 'reused') await end(tx, family.id, 'reuse');
        if (isHolderGone) await end(tx, family.id, 'holder');
        if (holder === null || decision !== 'rotate')
          return { kind: decision === 'rotate' ? 'revoked' : decision };
        await tx
          .update(refreshTokens)
          .set({ usedAt: new Date(now) })
          .where(eq(refreshTokens.digest, row.digest));
        const next = await issueWithin(tx, family.id, family.expiresAt.getTime(), now);
        return { kind: 'rotated', principalId: family.principalId, holder, next };
      }),
    revoke: (token) =>
      transact('revoke a refresh token', async (tx) => {
        const login = await find(tx, token);
        if (login !== null) await end(tx, login.id, 'logout');
        return login !== null;
      }),
  };
}

/** Null for a login from before holders were recorded. */
function holderOf({ memberId, keyId }: typeof refreshFamilies.$inferSelect): LoginHolder | null {
  if (memberId !== null) return { kind: 'member', id: memberId };
  return keyId === null ? null : { kind: 'key', id: keyId };
}

function noHolder({ kind, id }: LoginHolder): AuthError {
  return kind === 'member'
    ? new AuthError('AUTH_MEMBER_NOT_FOUND', `there is no member ${id}`)
    : new AuthError('AUTH_KEY_NOT_FOUND', `there is no key ${id} that is active`);
}

function stateOf(
  {
    family,
    row,
  }: {
    readonly family: typeof refreshFamilies.$inferSelect;
    readonly row: typeof refreshTokens.$inferSelect;
  },
  isHolderGone: boolean,
): RefreshState {
  return {
    isHolderGone,
    expiresAt: row.expiresAt.getTime(),
    usedAt: row.usedAt?.getTime() ?? null,
    familyExpiresAt: family.expiresAt.getTime(),
    familyRevokedAt: family.revokedAt?.getTime() ?? null,
  };
}
