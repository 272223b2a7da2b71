import { authOperations } from '@heliograph/auth-api';
import type { Edge } from '@heliograph/service';
import { AuthError } from '../errors.ts';
import { tenantFor } from '../grants.ts';
import type { AuthMaintenance } from '../maintenance.ts';
import { translateRefusal } from './translate-refusal.ts';

/** Counts, and the clean-up by hand. */
export function addMaintenanceApi(
  edge: Edge,
  { maintenance }: { readonly maintenance: AuthMaintenance },
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
        if (principal.tenant !== undefined)
          throw new AuthError(
            'AUTH_TENANT_FORBIDDEN',
            `a clean-up reaches all tenants, and the caller belongs to the tenant ${principal.tenant} only`,
          );
        return maintenance.cleanUp();
      });
      const { apiKeys: keys, refreshFamilies: logins, nonces, hasMore } = removed;
      return { status: 200, body: { keys, logins, nonces, hasMore } };
    },
  });
}
