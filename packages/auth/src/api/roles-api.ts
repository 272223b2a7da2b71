import { authOperations, DEFAULT_TENANT, roleNameSchema, type RoleView } from '@heliograph/auth-api';
import {
  decodeCursor,
  etagOf,
  problem,
  requireMatch,
  toPage,
  type Edge,
  type Principal,
} from '@heliograph/service';
import { requireGrantable, tenantFor } from '../grants.ts';
import { noSuchRoles, type Role, type RoleStore } from '../members/role-store.ts';
import { announce } from './announce.ts';
import { toIso, translateRefusal } from './translate-refusal.ts';

/** What the API of roles works with. */
export interface RolesApiDependencies {
  readonly roles: RoleStore;
  /** Hears the tenant in which a role was changed here. */
  readonly onChanged: (tenant: string) => void;
}

/** Roles: list, read, create or replace, remove. */
export function addRolesApi(edge: Edge, { roles, onChanged }: RolesApiDependencies): void {
  const tenantOf = (principal: Principal, asked: string | undefined): string =>
    tenantFor(principal, asked) ?? DEFAULT_TENANT;
  const read = (principal: Principal, asked: string | undefined, name: string): Promise<Role> =>
    translateRefusal(async () => {
      const tenant = tenantOf(principal, asked);
      const role = await roles.find(tenant, name);
      if (role === null) throw noSuchRoles(tenant, [name]);
      return role;
    });

  edge.route({
    ...authOperations.listRoles,
    handler: async ({ query: { limit, cursor, tenant }, principal }) => {
      const afterName = cursor === undefined ? null : decodeCursor(roleNameSchema, cursor);
      const found = await translateRefusal(() =>
        roles.list({ tenant: tenantOf(principal, tenant), afterName, limit: limit + 1 }),
      );
      const { items, nextCursor } = toPage(found, limit, ({ name }) => name);
      return { status: 200, body: { items: items.map(presentRole), nextCursor } };
    },
  });
  edge.route({
    ...authOperations.readRole,
    handler: async ({ params: { name }, query: { tenant }, principal }) => ({
      status: 200,
      body: presentRole(await read(principal, tenant, name)),
    }),
  });
  edge.route({
    ...authOperations.putRole,
    handler: async ({ params: { name }, query, body, principal, headers }) => {
      const tenant = await translateRefusal(() => tenantOf(principal, query.tenant));
      const current = await roles.find(tenant, name);
      const ifMatch = headers.get('if-match');
      // A role that does not exist has no tag: whoever names one, or *, expects that it exists.
      if (current === null && ifMatch !== null)
        throw problem(412, 'IF_MATCH_FAILED', 'There is no role of this name.');
      if (current !== null) requireMatch(ifMatch, etagOf(presentRole(current)));
      const scopes = [...new Set(body.scopes)];
      const saved = await translateRefusal(() => {
        // What the role has already is not given out again, and what is taken from it is taken from everybody who has it.
        const former = current?.scopes ?? [];
        const added = scopes.filter((scope) => !former.includes(scope));
        const taken = former.filter((scope) => !scopes.includes(scope));
        requireGrantable(principal, { scopes: [...added, ...taken], roles: [] });
        return announce(tenant, onChanged, () => roles.put(tenant, name, current, scopes));
      });
      const role = presentRole(saved);
      const answerHeaders = { etag: etagOf(role) };
      return current === null
        ? { status: 201, headers: answerHeaders, body: role }
        : { status: 200, headers: answerHeaders, body: role };
    },
  });
  edge.route({
    ...authOperations.removeRole,
    handler: async ({ params: { name }, query: { tenant }, principal, headers }) => {
      const current = await read(principal, tenant, name);
      requireMatch(headers.get('if-match'), etagOf(presentRole(current)));
      await translateRefusal(() => {
        // Tokens may name it, although no member has it.
        requireGrantable(principal, { scopes: current.scopes, roles: [] });
        return announce(current.tenant, onChanged, () => roles.remove(current.tenant, name, current));
      });
      return { status: 204 };
    },
  });
}

function presentRole(role: Role): RoleView {
  return {
    ...role,
    scopes: [...role.scopes],
    createdAt: toIso(role.createdAt),
    updatedAt: toIso(role.updatedAt),
  };
}
