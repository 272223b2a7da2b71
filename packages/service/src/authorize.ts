import { type Authenticator, type ForbiddenReason, type Principal, hasScope } from './authenticator.ts';
import { ServiceError } from './errors.ts';
import { problem } from './problem.ts';

const FORBIDDEN: Readonly<Record<ForbiddenReason, string>> = {
  MEMBERSHIP_REQUIRED: 'The bearer of the token is not a member of its tenant; an admin can add it.',
  TENANT_INVALID: 'The token names a tenant that cannot exist here.',
};

/**
 * Identifies the caller and checks that it holds `scope`.
 *
 * @throws Problem 401 CREDENTIALS_REQUIRED, 401 CREDENTIALS_INVALID, 403 SCOPE_MISSING, MEMBERSHIP_REQUIRED, TENANT_INVALID
 * @throws ServiceError SERVICE_AUTH_UNAVAILABLE, which the edge answers with 503
 */
export async function authorize(
  auth: Authenticator | undefined,
  scope: string,
  headers: Headers,
): Promise<Principal> {
  const principal = await identify(auth, headers);
  assertScope(auth, principal, scope);
  return principal;
}

/**
 * Identifies the caller.
 *
 * @throws Problem 401 CREDENTIALS_REQUIRED, 401 CREDENTIALS_INVALID, 403 MEMBERSHIP_REQUIRED, TENANT_INVALID
 * @throws ServiceError SERVICE_AUTH_UNAVAILABLE, which the edge answers with 503
 */
export async function identify(auth: Authenticator | undefined, headers: Headers): Promise<Principal> {
  const scheme = auth?.scheme ?? 'Bearer';
  const found = (await auth?.authenticate(headers)) ?? { kind: 'absent' };
  switch (found.kind) {
    case 'absent':
      throw problem(401, 'CREDENTIALS_REQUIRED', 'Send Authorization: Bearer with a key.', {
        headers: { 'www-authenticate': scheme },
      });
    case 'refused':
      throw problem(401, 'CREDENTIALS_INVALID', 'The key or token is unknown, expired or revoked.', {
        headers: { 'www-authenticate': `${scheme} error="invalid_token"` },
        reason: found.reason,
      });
    case 'forbidden':
      throw problem(403, found.reason, FORBIDDEN[found.reason]);
    case 'unavailable':
      throw new ServiceError('SERVICE_AUTH_UNAVAILABLE', 'nobody can tell now who the caller is', {
        retryable: true,
        cause: found.cause,
      });
    case 'authenticated':
      return found.principal;
  }
}

/** @throws Problem 403 SCOPE_MISSING */
export function assertScope(auth: Authenticator | undefined, principal: Principal, scope: string): void {
  if (hasScope(principal, scope)) return;
  const scheme = auth?.scheme ?? 'Bearer';
  throw problem(403, 'SCOPE_MISSING', `The key lacks the scope ${scope}.`, {
    headers: { 'www-authenticate': `${scheme} error="insufficient_scope", scope="${scope}"` },
    members: { requiredScope: scope },
  });
}
