import { randomBytes } from 'node:crypto';
import type { Postgres } from '@heliograph/database';
import { systemClock, type Clock } from '@heliograph/service';
import { and, eq, gt, isNull } from 'drizzle-orm';
import { digestOf } from '../keys/key-format.ts';
import { runStatement, runTransaction } from '../run-statement.ts';
import { nonces } from '../schema.ts';

/** The outcome of a nonce that somebody presented. */
export type NonceOutcome = 'consumed' | 'used' | 'expired' | 'unknown';

/** Values that are good for one use. Methods throw `DatabaseError`. */
export interface NonceStore {
  /** Makes a nonce for a purpose; it is good for nothing else. `ttlMs` defaults to 600,000. */
  issue(purpose: string, ttlMs?: number): Promise<{ readonly nonce: string; readonly expiresAt: number }>;
  /** Uses a nonce up; of several attempts at the same moment one is `consumed`. */
  consume(purpose: string, nonce: string): Promise<NonceOutcome>;
  /** Lets every nonce of a purpose that was not used expire now; returns how many there were. */
  expireAll(purpose: string): Promise<number>;
}

const NONCE = /^[A-Za-z0-9_-]{43}$/;

/** The nonces of one database. */
export function createNonceStore(
  postgres: Pick<Postgres, 'db'>,
  { clock = systemClock }: { readonly clock?: Clock } = {},
): NonceStore {
  const { db } = postgres;
  return {
    issue: (purpose, ttlMs = 600_000) =>
      runStatement('issue a nonce', async () => {
        const nonce = randomBytes(32).toString('base64url');
        const expiresAt = clock.now() + ttlMs;
        await db.insert(nonces).values({ purpose, digest: digestOf(nonce), expiresAt: new Date(expiresAt) });
        return { nonce, expiresAt };
      }),
    consume: (purpose, nonce) =>
      runTransaction(postgres, 'consume a nonce', async (tx) => {
        if (!NONCE.test(nonce)) return 'unknown';
        const now = new Date(clock.now());
        const isIt = and(eq(nonces.purpose, purpose), eq(nonces.digest, digestOf(nonce)));
        const consumed = await tx
          .update(nonces)
          .set({ usedAt: now })
          .where(and(isIt, isNull(nonces.usedAt), gt(nonces.expiresAt, now)))
          .returning({ purpose: nonces.purpose });
        if (consumed.length > 0) return 'consumed';
        const [row] = await tx.select({ usedAt: nonces.usedAt }).from(nonces).where(isIt);
        if (row === undefined) return 'unknown';
        return row.usedAt === null ? 'expired' : 'used';
      }),
    expireAll: (purpose) =>
      runStatement('let nonces expire', async () => {
        const now = new Date(clock.now());
        const expired = await db
          .update(nonces)
          .set({ expiresAt: now })
          .where(and(eq(nonces.purpose, purpose), isNull(nonces.usedAt), gt(nonces.expiresAt, now)))
          .returning({ purpose: nonces.purpose });
        return expired.length;
      }),
  };
}
