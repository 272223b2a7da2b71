import type { Authenticator } from '@heliograph/service';

/**
 * Lets callers of other tenants do nothing: for an app that has the data of one tenant and does not tell tenants apart.
 * Whoever manages another tenant may give itself any scope and a role of any name there. Callers of no tenant are not limited.
 */
export function limitToTenant(auth: Authenticator, tenant: string): Authenticator {
  return {
    scheme: auth.scheme,
    authenticate: async (headers) => {
      const found = await auth.authenticate(headers);
      if (found.kind !== 'authenticated') return found;
      const { principal } = found;
      if (principal.tenant === undefined || principal.tenant === tenant) return found;
      return { ...found, principal: { ...principal, scopes: new Set(), roles: new Set() } };
    },
  };
}
