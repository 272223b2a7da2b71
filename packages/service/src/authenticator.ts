import { createHash, timingSafeEqual } from 'node:crypto';
import type { Secret } from './secret.ts';

/** Who calls: the id of a key or, later, of a person, and what they may do. */
export interface Principal {
  readonly id: string;
  readonly scopes: ReadonlySet<string>;
}

/** The outcome of authentication: no credentials, wrong credentials, or who the caller is. */
export type Authentication =
  | { readonly kind: 'absent' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'authenticated'; readonly principal: Principal };

/** The seam for authentication: bearer keys today, sessions and single sign-on later. */
export interface Authenticator {
  /** The WWW-Authenticate challenge of a 401, without parameters; for example `Bearer`. */
  readonly scheme: string;
  /** Identifies the caller; must not throw for bad credentials. */
  authenticate(headers: Headers): Promise<Authentication>;
}

/** A bearer key, by the SHA-256 of its secret in hex, or by the secret itself. */
export type BearerKey = {
  readonly id: string;
  /** What the key may do; `*` stands for everything. */
  readonly scopes: readonly string[];
} & ({ readonly sha256: string } | { readonly secret: string | Secret });

/**
 * Creates authentication by `Authorization: Bearer <key>`. Every known key is compared in constant time,
 * so the duration does not reveal which one is close.
 */
export function createBearerAuth(keys: readonly BearerKey[]): Authenticator {
  const known = keys.map((key) => ({
    digest: 'sha256' in key ? Buffer.from(key.sha256, 'hex') : digestOf(reveal(key.secret)),
    principal: { id: key.id, scopes: new Set(key.scopes) },
  }));
  for (const { digest, principal } of known) {
    if (digest.length !== 32)
      throw new RangeError(`the sha256 of bearer key ${principal.id} is not 64 hex digits`);
  }
  return {
    scheme: 'Bearer',
    authenticate: async (headers) => {
      const header = headers.get('authorization');
      if (header === null) return { kind: 'absent' };
      const token = /^Bearer +([A-Za-z0-9._~+/=-]{1,1024})$/i.exec(header)?.[1];
      if (token === undefined) return { kind: 'refused' };
      const presented = digestOf(token);
      let found: Principal | undefined;
      for (const { digest, principal } of known) {
        if (timingSafeEqual(digest, presented)) found ??= principal;
      }
      return found === undefined ? { kind: 'refused' } : { kind: 'authenticated', principal: found };
    },
  };
}

/** Whether the principal may do what requires `scope`. */
export function hasScope(principal: Principal, scope: string): boolean {
  return principal.scopes.has('*') || principal.scopes.has(scope);
}

function reveal(secret: string | Secret): string {
  return typeof secret === 'string' ? secret : secret.reveal();
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}
