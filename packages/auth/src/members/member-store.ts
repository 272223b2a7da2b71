import type { Postgres, Sql } from '@heliograph/database';
import { and, asc, eq, getTableColumns, gt, inArray, sql } from 'drizzle-orm';
import * as v from 'valibot';
import { AuthError } from '../errors.ts';
import { LOOK_UP_TIMEOUT_MS } from '../look-ups.ts';
import { runStatement } from '../run-statement.ts';
import { memberRoles, members } from '../schema.ts';
import { endLoginsOf } from '../tokens/login-holder.ts';
import type { ChangeTenant, Transaction } from './change-tenant.ts';
import { noSuchRoles } from './role-store.ts';

/** A subject of an OpenID Connect issuer that belongs to a tenant. Instants are epoch milliseconds. */
export interface Member {
  readonly id: string;
  readonly tenant: string;
  readonly issuer: string;
  readonly subject: string;
  readonly name: string | null;
  /** Names of roles of the tenant, in order. */
  readonly roles: readonly string[];
  /** Counts its changes; what an update must name. */
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Whom a token names. */
export type Subject = Pick<Member, 'tenant' | 'issuer' | 'subject'>;

/** Whose rights are asked for: the roles of a member, and those of `claimed` that the tenant has. */
export type RightsQuery = Subject & { readonly claimed: readonly string[] };

/** What a subject has: whether it is a member, and its roles with their scopes. */
export interface Rights {
  readonly isMember: boolean;
  readonly roles: readonly { readonly name: string; readonly scopes: readonly string[] }[];
}

/** Members. `within` limits to one tenant; null is everywhere. Methods throw `DatabaseError` and `AuthError`. */
export interface MemberStore {
  list(page: {
    readonly within: string | null;
    readonly issuer?: string | undefined;
    readonly subject?: string | undefined;
    readonly afterId: string | null;
    readonly limit: number;
  }): Promise<readonly Member[]>;
  /** @throws {AuthError} AUTH_MEMBER_NOT_FOUND */
  get(id: string, within: string | null): Promise<Member>;
  /** @throws {AuthError} AUTH_MEMBER_EXISTS, AUTH_ROLE_NOT_FOUND */
  create(draft: Subject & Pick<Member, 'id' | 'name' | 'roles'>): Promise<Member>;
  /** @throws {AuthError} AUTH_MEMBER_CHANGED, AUTH_ROLE_NOT_FOUND, AUTH_LAST_ADMIN */
  update(current: Member, change: Pick<Member, 'name' | 'roles'>): Promise<Member>;
  /**
   * Removes a member, and ends its logins.
   *
   * @throws {AuthError} AUTH_MEMBER_CHANGED, AUTH_LAST_ADMIN
   */
  remove(current: Member): Promise<void>;
  /** The rights of each subject, in any order. */
  findRights(queries: readonly RightsQuery[]): Promise<readonly (Rights & { readonly query: RightsQuery })[]>;
}

type Row = typeof members.$inferSelect;

/** A member with its roles in one statement: in two, the roles could be newer than the version. */
const withRolesOf = {
  ...getTableColumns(members),
  roles: sql<string[]>`array(
    select m.role from auth.member_roles m where m.member_id = members.id order by m.role)`,
};

/** The members of one database. */
export function createMemberStore({
  db,
  lookUps,
  changeTenant,
}: Pick<Postgres, 'db'> & { readonly lookUps: Sql; readonly changeTenant: ChangeTenant }): MemberStore {
  const withRoles = async (tx: Transaction, rows: readonly Row[]): Promise<readonly Member[]> => {
    if (rows.length === 0) return [];
    const ids = rows.map(({ id }) => id);
    const links = await tx
      .select({ memberId: memberRoles.memberId, role: memberRoles.role })
      .from(memberRoles)
      .where(inArray(memberRoles.memberId, ids))
      .orderBy(asc(memberRoles.role));
    return rows.map((row) =>
      memberOfRow(
        row,
        links.filter(({ memberId }) => memberId === row.id).map(({ role }) => role),
      ),
    );
  };
  const giveRoles = async (tx: Transaction, member: Pick<Row, 'id' | 'tenant'>, roles: readonly string[]) => {
    const values = [...new Set(roles)].map((role) => ({ memberId: member.id, tenant: member.tenant, role }));
    if (values.length > 0) await tx.insert(memberRoles).values(values);
  };
  const changed = (id: string): AuthError =>
    new AuthError('AUTH_MEMBER_CHANGED', `member ${id} was changed meanwhile; read it again`);
  const violations = ({ tenant, issuer, subject }: Subject, roles: readonly string[]) => ({
    member_roles_role: () => noSuchRoles(tenant, roles),
    members_subject: () =>
      new AuthError(
        'AUTH_MEMBER_EXISTS',
        `${subject} of ${issuer} is a member of the tenant ${tenant} already`,
      ),
  });
  return {
    list: ({ within, issuer, subject, afterId, limit }) =>
      runStatement('list members', async () => {
        const rows = await db
          .select(withRolesOf)
          .from(members)
          .where(
            and(
              within === null ? undefined : eq(members.tenant, within),
              issuer === undefined ? undefined : eq(members.issuer, issuer),
              subject === undefined ? undefined : eq(members.subject, subject),
              afterId === null ? undefined : gt(members.id, afterId),
            ),
          )
          .orderBy(asc(members.id))
          .limit(limit);
        return rows.map(({ roles, ...row }) => memberOfRow(row, roles));
      }),
    get: (id, within) =>
      runStatement('read a member', async () => {
        const [row] = await db
          .select(withRolesOf)
          .from(members)
          .where(and(eq(members.id, id), within === null ? undefined : eq(members.tenant, within)));
        if (row === undefined) throw new AuthError('AUTH_MEMBER_NOT_FOUND', `there is no member ${id}`);
        const { roles, ...rest } = row;
        return memberOfRow(rest, roles);
      }),
    create: ({ roles, ...draft }) =>
      runStatement(
        'create a member',
        () =>
          changeTenant(draft.tenant, async (tx) => {
            const rows = await tx.insert(members).values(draft).returning();
            await giveRoles(tx, draft, roles);
            const [member] = await withRoles(tx, rows);
            if (member === undefined) throw changed(draft.id);
            return member;
          }),
        violations(draft, roles),
      ),
    update: ({ id, tenant, version, ...current }, { name, roles }) =>
      runStatement(
        'update a member',
        () =>
          changeTenant(tenant, async (tx) => {
            const rows = await tx
              .update(members)
              .set({ name, version: sql`${members.version} + 1`, updatedAt: sql`now()` })
              .where(and(eq(members.id, id), eq(members.version, version)))
              .returning();
            if (rows.length === 0) throw changed(id);
            await tx.delete(memberRoles).where(eq(memberRoles.memberId, id));
            await giveRoles(tx, { id, tenant }, roles);
            const [member] = await withRoles(tx, rows);
            if (member === undefined) throw changed(id);
            return member;
          }),
        violations({ ...current, tenant }, roles),
      ),
    remove: ({ id, tenant, version }) =>
      runStatement('remove a member', () =>
        changeTenant(tenant, async (tx) => {
          const rows = await tx
            .delete(members)
            .where(and(eq(members.id, id), eq(members.version, version)))
            .returning({ id: members.id });
          if (rows.length === 0) throw changed(id);
          await endLoginsOf(tx, { kind: 'member', id });
        }),
      ),
    findRights: (queries) =>
      runStatement(
        'read the rights of subjects',
        async () => {
          const asked = JSON.stringify(queries.map((query, index) => ({ ...query, index })));
          const rows = await lookUps<{ readonly rights: string }[]>`
            select jsonb_build_object(
              'index', asked.index,
              'isMember', member.id is not null,
              'roles', coalesce((
                select jsonb_agg(jsonb_build_object('name', r.name, 'scopes', r.scopes) order by r.name)
                from auth.roles r
                where r.tenant = asked.tenant and (
                  r.name = any(asked.claimed)
                  or r.name in (select m.role from auth.member_roles m where m.member_id = member.id)
                )), '[]')
            )::text as rights
            from jsonb_to_recordset(${asked}::text::jsonb)
              as asked(index int, tenant text, issuer text, subject text, claimed text[])
            left join auth.members member
              on member.tenant = asked.tenant and member.issuer = asked.issuer
              and member.subject = asked.subject`;
          return rows.flatMap((row) => {
            const { index, ...rights } = v.parse(rightsSchema, JSON.parse(row.rights));
            const query = queries[index];
            return query === undefined ? [] : [{ ...rights, query }];
          });
        },
        {},
        LOOK_UP_TIMEOUT_MS,
      ),
  };
}

const rightsSchema = v.object({
  index: v.number(),
  isMember: v.boolean(),
  roles: v.array(v.object({ name: v.string(), scopes: v.array(v.string()) })),
});

function memberOfRow({ createdAt, updatedAt, ...rest }: Row, roles: readonly string[]): Member {
  return { ...rest, roles, createdAt: createdAt.getTime(), updatedAt: updatedAt.getTime() };
}
