import { hasScope, type Principal } from '@heliograph/service';
import { AuthError } from './errors.ts';

/** Who asks for a change. */
export type Caller = Pick<Principal, 'scopes' | 'roles' | 'tenant'>;

/**
 * Decides in which tenant a caller acts: in its own, or in the one that it names. Null is everywhere.
 *
 * @throws {AuthError} AUTH_TENANT_FORBIDDEN for a caller of a tenant that names another one, or everywhere
 */
export function tenantFor(caller: Caller, asked: string | null | undefined): string | null {
  if (caller.tenant === undefined) return asked ?? null;
  if (asked === undefined || asked === caller.tenant) return caller.tenant;
  throw new AuthError('AUTH_TENANT_FORBIDDEN', `the caller belongs to the tenant ${caller.tenant} only`);
}

/**
 * Refuses to give out or take away more than the caller has: nobody becomes more by a key, a member or a role of its own
 * making, and nobody removes whoever holds more.
 *
 * @throws {AuthError} AUTH_GRANT_EXCEEDS_CALLER, which names what the caller lacks
 */
export function requireGrantable(
  caller: Caller,
  change: { readonly scopes: readonly string[]; readonly roles: readonly string[] },
): void {
  const holdsAll = caller.scopes.has('*');
  const scopes = change.scopes.filter((scope) => !hasScope(caller, scope));
  const roles = change.roles.filter((role) => !holdsAll && !caller.roles.has(role));
  if (scopes.length === 0 && roles.length === 0) return;
  const lacking = [
    ...(scopes.length === 0 ? [] : [`the scopes ${[...new Set(scopes)].join(', ')}`]),
    ...(roles.length === 0 ? [] : [`the roles ${[...new Set(roles)].join(', ')}`]),
  ];
  throw new AuthError(
    'AUTH_GRANT_EXCEEDS_CALLER',
    `a caller gives out and takes away only what it has itself, and this one lacks ${lacking.join(' and ')}`,
  );
}

/**
 * Refuses a key that would outlive the key of the caller. `expiresAt` is in epoch milliseconds; null is never.
 *
 * @throws {AuthError} AUTH_GRANT_EXCEEDS_CALLER, which names when the caller's key expires
 */
export function requireLifeWithin(
  { keyExpiresAt }: Pick<Principal, 'keyExpiresAt'>,
  expiresAt: number | null,
): void {
  if (keyExpiresAt === undefined || (expiresAt !== null && expiresAt <= keyExpiresAt)) return;
  const until = new Date(keyExpiresAt).toISOString();
  throw new AuthError(
    'AUTH_GRANT_EXCEEDS_CALLER',
    `the caller's own key expires at ${until}; choose an expiry until then`,
  );
}

/** Who has one of the scopes of each line stays in a tenant: who may change its members, and who can give out everything. */
export const KEPT_SCOPES = [['*', 'auth:members:write'], ['*']] as const;
