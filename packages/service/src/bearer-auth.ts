import { createHash, timingSafeEqual } from 'node:crypto';
import type { Authenticator, Principal } from './authenticator.ts';
import { readBearerToken } from './bearer-token.ts';
import type { Secret } from './secret.ts';

/** A bearer key, by the SHA-256 of its secret in hex, or by the secret itself. */
export type BearerKey = {
  readonly id: string;
  /** What the key may do; `*` stands for everything. */
  readonly scopes: readonly string[];
  /** Default none. */
  readonly roles?: readonly string[];
  /** Default none: the key is limited to no tenant. */
  readonly tenant?: string;
} & ({ readonly sha256: string } | { readonly secret: string | Secret });

/**
 * Creates authentication by `Authorization: Bearer <key>`. Every known key is compared in constant time,
 * so the duration does not reveal which one is close.
 */
export function createBearerAuth(keys: readonly BearerKey[]): Authenticator {
  const known = keys.map((key) => ({
    digest: 'sha256' in key ? Buffer.from(key.sha256, 'hex') : digestOf(reveal(key.secret)),
    principal: principalOf(key),
  }));
  for (const { digest, principal } of known) {
    if (digest.length !== 32)
      throw new RangeError(`the sha256 of bearer key ${principal.id} is not 64 hex digits`);
  }
  return {
    scheme: 'Bearer',
    authenticate: async (headers) => {
      const bearer = readBearerToken(headers);
      if (bearer === null) return { kind: 'absent' };
      if (bearer === 'malformed') return { kind: 'refused', reason: 'CREDENTIALS_MALFORMED' };
      const presented = digestOf(bearer.token);
      let found: Principal | undefined;
      for (const { digest, principal } of known) {
        if (timingSafeEqual(digest, presented)) found ??= principal;
      }
      return found === undefined
        ? { kind: 'refused', reason: 'CREDENTIALS_UNKNOWN' }
        : { kind: 'authenticated', principal: found };
    },
  };
}

function principalOf({ id, scopes, roles = [], tenant }: BearerKey): Principal {
  return {
    id,
    scopes: new Set(scopes),
    roles: new Set(roles),
    ...(tenant === undefined ? {} : { tenant }),
  };
}

function reveal(secret: string | Secret): string {
  return typeof secret === 'string' ? secret : secret.reveal();
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}
