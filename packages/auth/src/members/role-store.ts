import type { Postgres } from '@heliograph/database';
import { and, asc, eq, gt, inArray, sql } from 'drizzle-orm';
import { AuthError } from '../errors.ts';
import { runStatement } from '../run-statement.ts';
import { roles } from '../schema.ts';
import type { ChangeTenant } from './change-tenant.ts';

/** A named set of scopes. Instants are epoch milliseconds. */
export interface Role {
  readonly tenant: string;
  readonly name: string;
  readonly scopes: readonly string[];
  /** Counts its changes. */
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What tells a role that was read from one that was changed since, or made anew under its name. */
export type ReadRole = Pick<Role, 'version' | 'createdAt' | 'scopes'>;

/** The roles of tenants. Methods throw `DatabaseError` and `AuthError`. */
export interface RoleStore {
  list(page: {
    readonly tenant: string;
    readonly afterName: string | null;
    readonly limit: number;
  }): Promise<readonly Role[]>;
  /** Null if there is none. */
  find(tenant: string, name: string): Promise<Role | null>;
  /** @throws {AuthError} AUTH_ROLE_NOT_FOUND, naming those that do not exist */
  getMany(tenant: string, names: readonly string[]): Promise<readonly Role[]>;
  /**
   * Creates a role, with `current` null, or replaces the one that was read.
   *
   * @throws {AuthError} AUTH_ROLE_CHANGED, AUTH_LAST_ADMIN
   */
  put(tenant: string, name: string, current: ReadRole | null, scopes: readonly string[]): Promise<Role>;
  /** @throws {AuthError} AUTH_ROLE_CHANGED, AUTH_ROLE_IN_USE */
  remove(tenant: string, name: string, current: ReadRole): Promise<void>;
}

/** The roles of one database. */
export function createRoleStore({
  db,
  changeTenant,
}: Pick<Postgres, 'db'> & { readonly changeTenant: ChangeTenant }): RoleStore {
  const isRole = (tenant: string, name: string) => and(eq(roles.tenant, tenant), eq(roles.name, name));
  const isUnchanged = (tenant: string, name: string, { version, createdAt, scopes }: ReadRole) =>
    and(
      isRole(tenant, name),
      eq(roles.version, version),
      eq(roles.createdAt, new Date(createdAt)),
      eq(roles.scopes, [...scopes]),
    );
  const changed = (name: string): AuthError =>
    new AuthError('AUTH_ROLE_CHANGED', `role ${name} was changed meanwhile; read it again`);
  return {
    list: ({ tenant, afterName, limit }) =>
      runStatement('list roles', async () => {
        const rows = await db
          .select()
          .from(roles)
          .where(and(eq(roles.tenant, tenant), afterName === null ? undefined : gt(roles.name, afterName)))
          .orderBy(asc(roles.name))
          .limit(limit);
        return rows.map(roleOfRow);
      }),
    find: (tenant, name) =>
      runStatement('read a role', async () => {
        const [row] = await db.select().from(roles).where(isRole(tenant, name));
        return row === undefined ? null : roleOfRow(row);
      }),
    getMany: (tenant, names) =>
      runStatement('read roles', async () => {
        if (names.length === 0) return [];
        const rows = await db
          .select()
          .from(roles)
          .where(and(eq(roles.tenant, tenant), inArray(roles.name, [...names])));
        const missing = names.filter((name) => !rows.some((row) => row.name === name));
        if (missing.length > 0) throw noSuchRoles(tenant, missing);
        return rows.map(roleOfRow);
      }),
    put: (tenant, name, current, scopes) =>
      runStatement('save a role', () =>
        changeTenant(tenant, async (tx) => {
          const list = [...scopes];
          const rows =
            current === null
              ? await tx
                  .insert(roles)
                  .values({ tenant, name, scopes: list })
                  .onConflictDoNothing()
                  .returning()
              : await tx
                  .update(roles)
                  .set({ scopes: list, version: sql`${roles.version} + 1`, updatedAt: sql`now()` })
                  .where(isUnchanged(tenant, name, current))
                  .returning();
          const [row] = rows;
          if (row === undefined) throw changed(name);
          return roleOfRow(row);
        }),
      ),
    remove: (tenant, name, current) =>
      runStatement(
        'remove a role',
        () =>
          changeTenant(tenant, async (tx) => {
            const rows = await tx
              .delete(roles)
              .where(isUnchanged(tenant, name, current))
              .returning({ name: roles.name });
            if (rows.length === 0) throw changed(name);
          }),
        {
          member_roles_role: () =>
            new AuthError('AUTH_ROLE_IN_USE', `members have the role ${name}; take it from them first`),
        },
      ),
  };
}

/** The error for roles that do not exist. */
export function noSuchRoles(tenant: string, names: readonly string[]): AuthError {
  return new AuthError('AUTH_ROLE_NOT_FOUND', `the tenant ${tenant} has no role ${names.join(', ')}`);
}

function roleOfRow({ createdAt, updatedAt, ...rest }: typeof roles.$inferSelect): Role {
  return { ...rest, createdAt: createdAt.getTime(), updatedAt: updatedAt.getTime() };
}
