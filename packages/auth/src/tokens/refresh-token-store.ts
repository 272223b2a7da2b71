import { randomBytes } from 'node:crypto';
import type { Postgres } from '@heliograph/database';
import { systemClock, uuidV7Ids, type Clock, type Ids } from '@heliograph/service';
import { and, eq, isNull } from 'drizzle-orm';
import { digestOf } from '../keys/key-format.ts';
import { runStatement } from '../run-statement.ts';
import { refreshFamilies, refreshTokens } from '../schema.ts';
import { decideRefresh, type RefreshRefusal } from './decide-refresh.ts';

/** Options of {@link createRefreshTokenStore}. */
export interface RefreshTokenOptions {
  /** How long a token may wait to be used. Default 14 days. */
  readonly tokenLifeMs?: number;
  /** When a login ends, however often it was refreshed. Default 90 days. */
  readonly familyLifeMs?: number;
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
  | { readonly kind: 'rotated'; readonly principalId: string; readonly next: IssuedRefreshToken }
  /** `reused`: the login was revoked just now. `revoked`: it had been before. */
  | { readonly kind: RefreshRefusal };

/**
 * Refresh tokens: a login is a family of tokens, each of which is exchanged once for the next one. Methods throw
 * `DatabaseError`.
 */
export interface RefreshTokenStore {
  /** Begins a login. */
  issue(principalId: string): Promise<IssuedRefreshToken>;
  /**
   * Exchanges a token for its successor. Of several exchanges of one token at the same moment one succeeds; the others
   * are `reused`, and end the login, its newest token included. Other logins of the same caller go on.
   */
  rotate(token: string): Promise<RefreshOutcome>;
  /** Ends the login of a token, used or not; false if the token is unknown. */
  revoke(token: string): Promise<boolean>;
  /** Ends every login of a caller; returns how many there were. */
  revokeAll(principalId: string): Promise<number>;
}

const DAY_MS = 86_400_000;
const TOKEN = /^hgr_[A-Za-z0-9_-]{43}$/;

/** The refresh tokens of one database. */
export function createRefreshTokenStore(
  { db }: Pick<Postgres, 'db'>,
  options: RefreshTokenOptions = {},
): RefreshTokenStore {
  const {
    tokenLifeMs = 14 * DAY_MS,
    familyLifeMs = 90 * DAY_MS,
    clock = systemClock,
    ids = uuidV7Ids,
  } = options;
  const issueWithin = async (
    tx: Pick<typeof db, 'insert'>,
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
  /**
   * Finds a token and locks its login. Exchange and revocation take the same lock first, so that no token is issued after
   * a revocation has been answered.
   */
  const lock = async (tx: Pick<typeof db, 'select'>, token: string) => {
    const [found] = TOKEN.test(token)
      ? await tx
          .select({ familyId: refreshTokens.familyId })
          .from(refreshTokens)
          .where(eq(refreshTokens.digest, digestOf(token)))
      : [];
    if (found === undefined) return null;
    const [family] = await tx
      .select()
      .from(refreshFamilies)
      .where(eq(refreshFamilies.id, found.familyId))
      .for('update');
    // Read after the lock was had: another exchange may have been in between.
    const [row] = await tx
      .select()
      .from(refreshTokens)
      .where(eq(refreshTokens.digest, digestOf(token)));
    return family === undefined || row === undefined ? null : { family, row };
  };
  const end = (tx: Pick<typeof db, 'update'>, familyId: string, why: 'logout' | 'reuse', now: number) =>
    tx
      .update(refreshFamilies)
      .set({ revokedAt: new Date(now), revokedFor: why })
      .where(and(eq(refreshFamilies.id, familyId), isNull(refreshFamilies.revokedAt)));
  return {
    issue: (principalId) =>
      runStatement('issue a refresh token', () =>
        db.transaction(async (tx) => {
          const now = clock.now();
          const familyId = ids.next().replaceAll('-', '');
          const familyExpiresAt = now + familyLifeMs;
          await tx
            .insert(refreshFamilies)
            .values({ id: familyId, principalId, expiresAt: new Date(familyExpiresAt) });
          return issueWithin(tx, familyId, familyExpiresAt, now);
        }),
      ),
    rotate: (token) =>
      runStatement('exchange a refresh token', () =>
        db.transaction(async (tx): Promise<RefreshOutcome> => {
          const found = await lock(tx, token);
          const now = clock.now();
          const decision = decideRefresh(found === null ? null : stateOf(found), now);
          if (found === null || decision === 'unknown') return { kind: 'unknown' };
          const { family, row } = found;
          if (decision === 'reused') await end(tx, family.id, 'reuse', now);
          if (decision !== 'rotate') return { kind: decision };
          await tx
            .update(refreshTokens)
            .set({ usedAt: new Date(now) })
            .where(eq(refreshTokens.digest, row.digest));
          const next = await issueWithin(tx, family.id, family.expiresAt.getTime(), now);
          return { kind: 'rotated', principalId: family.principalId, next };
        }),
      ),
    revoke: (token) =>
      runStatement('revoke a refresh token', () =>
        db.transaction(async (tx) => {
          const found = await lock(tx, token);
          if (found !== null) await end(tx, found.family.id, 'logout', clock.now());
          return found !== null;
        }),
      ),
    revokeAll: (principalId) =>
      runStatement('revoke the logins of a caller', async () => {
        const rows = await db
          .update(refreshFamilies)
          .set({ revokedAt: new Date(clock.now()), revokedFor: 'principal' })
          .where(and(eq(refreshFamilies.principalId, principalId), isNull(refreshFamilies.revokedAt)))
          .returning({ id: refreshFamilies.id });
        return rows.length;
      }),
  };
}

function stateOf({
  family,
  row,
}: {
  readonly family: typeof refreshFamilies.$inferSelect;
  readonly row: typeof refreshTokens.$inferSelect;
}) {
  return {
    expiresAt: row.expiresAt.getTime(),
    usedAt: row.usedAt?.getTime() ?? null,
    familyExpiresAt: family.expiresAt.getTime(),
    familyRevokedAt: family.revokedAt?.getTime() ?? null,
  };
}
