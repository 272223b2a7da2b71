import type { Postgres } from '@heliograph/database';
import { sql } from 'drizzle-orm';
import { AuthError } from '../errors.ts';
import { ADMIN_SCOPES } from '../grants.ts';
import { memberRoles, roles } from '../schema.ts';

/** A transaction of drizzle. */
export type Transaction = Parameters<Parameters<Postgres['db']['transaction']>[0]>[0];

/**
 * Changes the members or roles of a tenant, one change after another: two admins who remove each other at the same moment
 * would both see the other one. A tenant that had an admin has one afterwards.
 *
 * @throws {AuthError} AUTH_LAST_ADMIN
 */
export function changeTenant<T>(
  db: Postgres['db'],
  tenant: string,
  change: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`auth.tenant.${tenant}`}, 0))`);
    const hadAdmin = await hasAdmin(tx, tenant);
    const result = await change(tx);
    if (hadAdmin && !(await hasAdmin(tx, tenant))) {
      throw new AuthError(
        'AUTH_LAST_ADMIN',
        `nobody in the tenant ${tenant} could manage its members any more; make another member an admin first`,
      );
    }
    return result;
  });
}

async function hasAdmin(tx: Transaction, tenant: string): Promise<boolean> {
  const admin = sql.join(
    ADMIN_SCOPES.map((scope) => sql`${scope}`),
    sql`, `,
  );
  const rows = await tx.execute(sql`
    select 1 from ${memberRoles} join ${roles}
      on ${roles.tenant} = ${memberRoles.tenant} and ${roles.name} = ${memberRoles.role}
    where ${memberRoles.tenant} = ${tenant} and ${roles.scopes} && array[${admin}]::text[] limit 1`);
  return rows.length > 0;
}
