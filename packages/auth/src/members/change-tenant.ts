import { createLimiter, transactInTime, type Postgres } from '@heliograph/database';
import { and, arrayOverlaps, eq, sql } from 'drizzle-orm';
import { AuthError } from '../errors.ts';
import { KEPT_SCOPES } from '../grants.ts';
import { memberRoles, roles } from '../schema.ts';

/** A transaction of drizzle. */
export type Transaction = Parameters<Parameters<Postgres['db']['transaction']>[0]>[0];

/**
 * Changes the members or roles of a tenant, one change after another: two admins who remove each other at the same moment
 * would both see the other one. A tenant that had a member who may change its members has one afterwards, and so does one
 * that had a member who holds `*`: without one, nobody in it could give back what nobody has.
 *
 * @throws {AuthError} AUTH_LAST_ADMIN
 * @throws {DatabaseError} DATABASE_TIMEOUT, retryable, when another change of the tenant takes too long
 */
export type ChangeTenant = <T>(tenant: string, change: (tx: Transaction) => Promise<T>) => Promise<T>;

/** Changes that hold a connection at once; the others of the pool are there for everybody else. */
const MAX_CHANGES = 4;
/** A change that takes longer is rolled back: with the waits for others below what a store gives it, in milliseconds. */
const MAX_CHANGE_MS = 6000;
/** How long a change waits for another one here, in milliseconds; for one of another process it waits as long. */
const MAX_WAIT_MS = 2000;

/** Creates the changes of one database. Those of a tenant wait for each other before they take a connection. */
export function createTenantChanges(db: Postgres['db']): ChangeTenant {
  type Limiter = ReturnType<typeof createLimiter>;
  const limit = createLimiter(MAX_CHANGES, MAX_WAIT_MS);
  const tenants = new Map<string, { readonly limit: Limiter; users: number }>();
  return async (tenant, change) => {
    const own = tenants.get(tenant) ?? { limit: createLimiter(1, MAX_WAIT_MS), users: 0 };
    tenants.set(tenant, own);
    own.users++;
    const what = `change the tenant ${tenant}`;
    try {
      return await own.limit(what, () =>
        limit(what, () => transactInTime({ db }, what, (tx) => guard(tx, tenant, change), MAX_CHANGE_MS)),
      );
    } finally {
      own.users--;
      if (own.users === 0) tenants.delete(tenant);
    }
  };
}

async function guard<T>(
  tx: Transaction,
  tenant: string,
  change: (tx: Transaction) => Promise<T>,
): Promise<T> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`auth.tenant.${tenant}`}, 0))`);
  const before = await holdersOf(tx, tenant);
  const result = await change(tx);
  const after = before.includes(true) ? await holdersOf(tx, tenant) : before;
  const lost = KEPT_SCOPES.find((_, index) => before[index] === true && after[index] !== true);
  if (lost !== undefined) {
    throw new AuthError(
      'AUTH_LAST_ADMIN',
      `nobody in the tenant ${tenant} would hold ${lost.join(' or ')} any more; give it to another member first`,
    );
  }
  return result;
}

/** Whether a member holds one of the scopes of each line of {@link KEPT_SCOPES}. */
async function holdersOf(tx: Transaction, tenant: string): Promise<readonly boolean[]> {
  const given = await tx
    .selectDistinct({ scopes: roles.scopes })
    .from(memberRoles)
    .innerJoin(roles, and(eq(roles.tenant, memberRoles.tenant), eq(roles.name, memberRoles.role)))
    .where(and(eq(memberRoles.tenant, tenant), arrayOverlaps(roles.scopes, KEPT_SCOPES.flat())));
  const held = new Set(given.flatMap(({ scopes }) => scopes));
  return KEPT_SCOPES.map((scopes) => scopes.some((scope) => held.has(scope)));
}
