import { authOperations, idSchema, type LoginView } from '@heliograph/auth-api';
import { decodeCursor, toPage, type Edge } from '@heliograph/service';
import { tenantFor } from '../grants.ts';
import type { Login, LoginStore } from '../tokens/login-store.ts';
import { toIso, translateRefusal } from './translate-refusal.ts';

/** Logins: list, read, revoke one or all of a caller. Revoking is always allowed, as it is for keys. */
export function addLoginsApi(edge: Edge, { logins }: { readonly logins: LoginStore }): void {
  edge.route({
    ...authOperations.listLogins,
    handler: async ({ query: { limit, cursor, tenant, principal: principalId }, principal }) => {
      const afterId = cursor === undefined ? null : decodeCursor(idSchema, cursor);
      const found = await translateRefusal(() =>
        logins.list({ within: tenantFor(principal, tenant), principalId, afterId, limit: limit + 1 }),
      );
      const { items, nextCursor } = toPage(found, limit, ({ id }) => id);
      return { status: 200, body: { items: items.map(presentLogin), nextCursor } };
    },
  });
  edge.route({
    ...authOperations.readLogin,
    handler: async ({ params: { id }, principal }) => ({
      status: 200,
      body: presentLogin(await translateRefusal(() => logins.get(id, principal.tenant ?? null))),
    }),
  });
  edge.route({
    ...authOperations.revokeLogin,
    handler: async ({ params: { id }, principal }) => {
      await translateRefusal(() => logins.revoke(id, principal.tenant ?? null));
      return { status: 204 };
    },
  });
  edge.route({
    ...authOperations.revokeLogins,
    handler: async ({ query: { tenant, principal: principalId }, principal }) => {
      const revoked = await translateRefusal(() =>
        logins.revokeAll(principalId, tenantFor(principal, tenant)),
      );
      return { status: 200, body: { revoked } };
    },
  });
}

function presentLogin(login: Login): LoginView {
  const { createdAt, refreshedAt, expiresAt, endsAt, revokedAt, ...rest } = login;
  return {
    ...rest,
    createdAt: toIso(createdAt),
    refreshedAt: toIso(refreshedAt),
    expiresAt: toIso(expiresAt),
    endsAt: toIso(endsAt),
    revokedAt: revokedAt === null ? null : toIso(revokedAt),
  };
}
