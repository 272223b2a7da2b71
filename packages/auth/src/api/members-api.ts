import { authOperations, DEFAULT_TENANT, idSchema, type MemberView } from '@heliograph/auth-api';
import {
  decodeCursor,
  etagOf,
  principalIdOf,
  requireMatch,
  toPage,
  type Edge,
  type Ids,
  type Principal,
} from '@heliograph/service';
import { AuthError } from '../errors.ts';
import { requireGrantable, tenantFor } from '../grants.ts';
import type { Member, MemberStore } from '../members/member-store.ts';
import type { RoleStore } from '../members/role-store.ts';
import { announce } from './announce.ts';
import { nextId, toIso, translateRefusal } from './translate-refusal.ts';

/** What the API of members works with. */
export interface MembersApiDependencies {
  readonly members: MemberStore;
  readonly roles: Pick<RoleStore, 'getMany'>;
  readonly ids: Ids;
  /** Hears the tenant in which a member was changed here. */
  readonly onChanged: (tenant: string) => void;
}

/** Members: list, create, read, change, remove. */
export function addMembersApi(edge: Edge, { members, roles, ids, onChanged }: MembersApiDependencies): void {
  /** Refuses roles that do not exist, that the caller lacks, or whose scopes it lacks. */
  const checkRoles = async (principal: Principal, tenant: string, names: readonly string[]) => {
    const given = await roles.getMany(tenant, [...new Set(names)]);
    requireGrantable(principal, { scopes: given.flatMap(({ scopes }) => scopes), roles: names });
  };
  /** Refuses to take roles away that the caller lacks, or whose scopes it lacks. */
  const checkTaken = async (principal: Principal, { id, tenant }: Member, names: readonly string[]) => {
    try {
      await checkRoles(principal, tenant, names);
    } catch (error) {
      if (!(error instanceof AuthError) || error.code !== 'AUTH_ROLE_NOT_FOUND') throw error;
      // Roles that members have stay: this one was taken away since the member was read.
      throw new AuthError('AUTH_MEMBER_CHANGED', `member ${id} was changed meanwhile; read it again`);
    }
  };
  const read = (id: string, principal: Principal): Promise<Member> =>
    translateRefusal(() => members.get(id, principal.tenant ?? null));

  edge.route({
    ...authOperations.listMembers,
    handler: async ({ query: { limit, cursor, tenant, issuer, subject }, principal }) => {
      const afterId = cursor === undefined ? null : decodeCursor(idSchema, cursor);
      const found = await translateRefusal(() =>
        members.list({ within: tenantFor(principal, tenant), issuer, subject, afterId, limit: limit + 1 }),
      );
      const { items, nextCursor } = toPage(found, limit, ({ id }) => id);
      return { status: 200, body: { items: items.map(presentMember), nextCursor } };
    },
  });
  edge.route({
    ...authOperations.createMember,
    handler: async ({ body, principal }) => {
      const created = await translateRefusal(
        async () => {
          const tenant = tenantFor(principal, body.tenant) ?? DEFAULT_TENANT;
          await checkRoles(principal, tenant, body.roles);
          return announce(tenant, onChanged, () => members.create({ ...body, id: nextId(ids), tenant }));
        },
        { AUTH_ROLE_NOT_FOUND: 422 },
      );
      const member = presentMember(created);
      return {
        status: 201,
        headers: { location: `/api/v1/auth/members/${member.id}`, etag: etagOf(member) },
        body: member,
      };
    },
  });
  edge.route({
    ...authOperations.readMember,
    handler: async ({ params: { id }, principal }) => ({
      status: 200,
      body: presentMember(await read(id, principal)),
    }),
  });
  edge.route({
    ...authOperations.replaceMember,
    handler: async ({ params: { id }, body, principal, headers }) => {
      const current = await read(id, principal);
      requireMatch(headers.get('if-match'), etagOf(presentMember(current)));
      const changed = await translateRefusal(
        async () => {
          // What the member has already is not given out again.
          const added = body.roles.filter((role) => !current.roles.includes(role));
          await checkRoles(principal, current.tenant, added);
          const taken = current.roles.filter((role) => !body.roles.includes(role));
          await checkTaken(principal, current, taken);
          return announce(current.tenant, onChanged, () => members.update(current, body));
        },
        { AUTH_ROLE_NOT_FOUND: 422 },
      );
      const member = presentMember(changed);
      return { status: 200, headers: { etag: etagOf(member) }, body: member };
    },
  });
  edge.route({
    ...authOperations.removeMember,
    handler: async ({ params: { id }, principal, headers }) => {
      const current = await read(id, principal);
      requireMatch(headers.get('if-match'), etagOf(presentMember(current)));
      await translateRefusal(async () => {
        await checkTaken(principal, current, current.roles);
        await announce(current.tenant, onChanged, () => members.remove(current));
      });
      return { status: 204 };
    },
  });
}

function presentMember(member: Member): MemberView {
  return {
    ...member,
    principalId: principalIdOf(member),
    roles: [...member.roles],
    createdAt: toIso(member.createdAt),
    updatedAt: toIso(member.updatedAt),
  };
}
