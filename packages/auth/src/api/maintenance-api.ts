import { authOperations } from '@heliograph/auth-api';
import type { Edge, Principal } from '@heliograph/service';
import { AuthError } from '../errors.ts';
import { tenantFor } from '../grants.ts';
import type { AuthMaintenance } from '../maintenance.ts';
import type { NonceStore } from '../tokens/nonce-store.ts';
import { translateRefusal } from './translate-refusal.ts';

/** Counts, the clean-up by hand, and the end of nonces. */
export function addMaintenanceApi(
  edge: Edge,
  { maintenance, nonces: store }: { readonly maintenance: AuthMaintenance; readonly nonces: NonceStore },
): void {
  edge.route({
    ...authOperations.readCounts,
    handler: async ({ query: { tenant }, principal }) => {
      const counts = await translateRefusal(() => maintenance.count(tenantFor(principal, tenant)));
      const { keys, members, roles, logins, refreshTokens, nonces } = counts;
      const shown = nonces === null ? null : [...nonces];
      return { status: 200, body: { keys, members, roles, logins, refreshTokens, nonces: shown } };
    },
  });
  edge.route({
    ...authOperations.cleanUp,
    handler: async ({ principal }) => {
      const removed = await translateRefusal(() => {
        requireEverywhere(principal, 'a clean-up reaches');
        return maintenance.cleanUp();
      });
      const { apiKeys: keys, refreshFamilies: logins, nonces, hasMore } = removed;
      return { status: 200, body: { keys, logins, nonces, hasMore } };
    },
  });
  edge.route({
    ...authOperations.revokeNonces,
    handler: async ({ query: { purpose }, principal }) => {
      const revoked = await translateRefusal(() => {
        requireEverywhere(principal, 'nonces belong to');
        return store.expireAll(purpose);
      });
      return { status: 200, body: { revoked } };
    },
  });
}

function requireEverywhere({ tenant }: Principal, what: string): void {
  if (tenant === undefined) return;
  throw new AuthError(
    'AUTH_TENANT_FORBIDDEN',
    `${what} all tenants, and the caller belongs to the tenant ${tenant} only`,
  );
}
