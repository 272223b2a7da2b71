import { principalIdOf } from '@heliograph/service';
import { and, asc, eq, inArray, isNull, or, sql } from 'drizzle-orm';
import type { Transaction } from '../members/change-tenant.ts';
import type { Subject } from '../members/member-store.ts';
import { apiKeys, members, refreshFamilies } from '../schema.ts';

/** To whom a login belongs: to a member or a stored key, which can be removed or revoked, and the login with it. */
export interface LoginHolder {
  readonly kind: 'member' | 'key';
  readonly id: string;
}

/** A holder that is there. */
export interface LockedHolder {
  readonly principalId: string;
  readonly tenant: string;
  /** When it expires, in epoch milliseconds; null is never. */
  readonly expiresAt: number | null;
}

/**
 * Reads a holder, and keeps it from being removed or revoked until the transaction ends: whoever does so waits, and then
 * finds what this transaction has made. Null if it is gone. It has to be locked before its logins, as everybody does.
 */
export async function lockHolder(tx: Transaction, { kind, id }: LoginHolder): Promise<LockedHolder | null> {
  if (kind === 'member') {
    const [member] = await tx.select().from(members).where(eq(members.id, id)).for('key share');
    return member === undefined
      ? null
      : { principalId: principalIdOf(member), tenant: member.tenant, expiresAt: null };
  }
  const [key] = await tx
    .select({ tenant: apiKeys.tenant, expiresAt: apiKeys.expiresAt })
    .from(apiKeys)
    .where(and(eq(apiKeys.id, id), isNull(apiKeys.revokedAt)))
    .for('share');
  return key === undefined
    ? null
    : { principalId: `key:${id}`, tenant: key.tenant, expiresAt: key.expiresAt?.getTime() ?? null };
}

/**
 * Waits for logins that a caller begins or refreshes at this moment, and keeps further ones waiting until the transaction ends:
 * one that is about to be stored cannot be ended yet. `within` limits it to callers of one tenant; null is everywhere.
 */
export async function lockHoldersOf(
  tx: Transaction,
  principalId: string,
  within: string | null,
): Promise<void> {
  const { subject, issuer, tenant } = members;
  const named = membersNamed(principalId).filter((member) => within === null || member.tenant === within);
  if (named.length > 0)
    await tx
      .select({ id: members.id })
      .from(members)
      .where(
        or(...named.map((it) => and(eq(tenant, it.tenant), eq(issuer, it.issuer), eq(subject, it.subject)))),
      )
      .for('update');
  const keyId = /^key:(.*)$/.exec(principalId)?.[1];
  if (keyId === undefined) return;
  const isKey = and(eq(apiKeys.id, keyId), within === null ? undefined : eq(apiKeys.tenant, within));
  await tx.select({ id: apiKeys.id }).from(apiKeys).where(isKey).for('update');
}

/** What `principalIdOf` may have been given: either side of an `@` may hold further ones, and a tenant holds no `#`. */
export function membersNamed(principalId: string): readonly Subject[] {
  const end = principalId.lastIndexOf('#');
  if (end === -1) return [];
  const tenant = principalId.slice(end + 1);
  const parts = principalId.slice(0, end).split('@');
  return parts.slice(1).map((_, index) => ({
    subject: parts.slice(0, index + 1).join('@'),
    issuer: parts.slice(index + 1).join('@'),
    tenant,
  }));
}

/** Ends the logins of a holder, which this transaction has removed or revoked. */
export async function endLoginsOf(tx: Transaction, { kind, id }: LoginHolder): Promise<void> {
  const { memberId, keyId } = refreshFamilies;
  await endLogins(tx, eq(kind === 'member' ? memberId : keyId, id), 'holder');
}

/** Ends logins that have not ended; returns how many there were. */
export async function endLogins(
  tx: Transaction,
  which: ReturnType<typeof and>,
  revokedFor: NonNullable<(typeof refreshFamilies.$inferSelect)['revokedFor']>,
): Promise<number> {
  // In one order, so that two of these never wait for each other.
  const locked = tx
    .select({ id: refreshFamilies.id })
    .from(refreshFamilies)
    .where(and(which, isNull(refreshFamilies.revokedAt)))
    .orderBy(asc(refreshFamilies.id))
    .for('update');
  const ended = await tx
    .update(refreshFamilies)
    .set({ revokedAt: sql`now()`, revokedFor })
    .where(and(inArray(refreshFamilies.id, locked), isNull(refreshFamilies.revokedAt)))
    .returning({ id: refreshFamilies.id });
  return ended.length;
}
