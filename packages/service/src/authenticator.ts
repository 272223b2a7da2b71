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
}

/** The outcome of authentication. */
export type Authentication =
  /** There are no credentials. */
  | { readonly kind: 'absent' }
  /** The credentials are wrong, expired or revoked. */
  | { readonly kind: 'refused' }
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
