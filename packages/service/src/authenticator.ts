/** Who calls: a key, a person or a workload, and what they may do. */
export interface Principal {
  /** Unique among all callers, and the same for as long as the caller exists. */
  readonly id: string;
  /** What the caller may do; `*` stands for everything. */
  readonly scopes: ReadonlySet<string>;
  /** Names of roles, for policies that decide by role. */
  readonly roles: ReadonlySet<string>;
  /** Whose data the caller may see, where that is limited to one tenant. */
  readonly tenant?: string;
  /** When the caller's key expires, in epoch milliseconds: what it makes must not outlive it. Absent for tokens. */
  readonly keyExpiresAt?: number;
}

/** Why credentials are refused. */
export type RefusalReason =
  /** They are neither a known key nor in the form of other credentials. */
  | 'CREDENTIALS_UNKNOWN'
  /** The header is not `Bearer` and one token of a sensible length. */
  | 'CREDENTIALS_MALFORMED'
  | 'KEY_UNKNOWN'
  | 'KEY_REVOKED'
  | 'KEY_EXPIRED'
  | 'TOKEN_MALFORMED'
  | 'TOKEN_ALGORITHM_REFUSED'
  | 'TOKEN_TYPE_WRONG'
  | 'TOKEN_ISSUER_WRONG'
  | 'TOKEN_AUDIENCE_WRONG'
  | 'TOKEN_SIGNING_KEY_UNKNOWN'
  /** The issuer published a key that cannot be used. */
  | 'TOKEN_SIGNING_KEY_UNUSABLE'
  | 'TOKEN_SIGNATURE_INVALID'
  | 'TOKEN_EXPIRED'
  | 'TOKEN_NOT_YET_VALID'
  /** A claim is missing, or has another type or form than it needs. */
  | 'TOKEN_CLAIMS_INVALID';

/** Why the bearer of right credentials is not let in: it belongs to no tenant here, or to one that cannot exist. */
export type ForbiddenReason = 'MEMBERSHIP_REQUIRED' | 'TENANT_INVALID';

/** The outcome of authentication. */
export type Authentication =
  /** There are no credentials. */
  | { readonly kind: 'absent' }
  /** The credentials are wrong, expired or revoked. The edge answers 401; only logs and audits hear the reason. */
  | { readonly kind: 'refused'; readonly reason: RefusalReason }
  /** The credentials are right, and their bearer is not let in. The edge answers 403 with the reason as its code. */
  | { readonly kind: 'forbidden'; readonly reason: ForbiddenReason }
  /** Nobody can tell now: what knows the credentials is unavailable. The edge answers 503, never 401. */
  | { readonly kind: 'unavailable'; readonly cause: unknown }
  | { readonly kind: 'authenticated'; readonly principal: Principal };

/** The seam for authentication: `createBearerAuth`, `createJwtAuth`, stored keys, and several of them by `anyOf`. */
export interface Authenticator {
  /** The WWW-Authenticate challenge of a 401, without parameters; for example `Bearer`. */
  readonly scheme: string;
  /** Identifies the caller; must not throw for bad credentials. */
  authenticate(headers: Headers): Promise<Authentication>;
}

/** Whether the principal may do what requires `scope`. */
export function hasScope(principal: Pick<Principal, 'scopes'>, scope: string): boolean {
  return principal.scopes.has('*') || principal.scopes.has(scope);
}
