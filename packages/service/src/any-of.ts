import type { Authentication, Authenticator } from './authenticator.ts';

/**
 * Asks each authenticator in turn until one knows the caller, so put those first that need no other server. If none
 * does, the outcome is `unavailable` where one of them could not tell, else `forbidden` where one does not let the caller in,
 * else `refused` where one saw credentials, for the most telling reason, else `absent`. All have to have the same scheme.
 *
 * @throws {RangeError} without authenticators, and for authenticators of several schemes
 */
export function anyOf(authenticators: readonly Authenticator[]): Authenticator {
  const [first] = authenticators;
  if (first === undefined) throw new RangeError('anyOf needs at least one authenticator');
  const { scheme } = first;
  if (authenticators.some((other) => other.scheme !== scheme)) {
    throw new RangeError('anyOf takes authenticators of one scheme only');
  }
  return {
    scheme,
    authenticate: async (headers) => {
      let outcome: Authentication = { kind: 'absent' };
      for (const authenticator of authenticators) {
        const found = await authenticator.authenticate(headers);
        if (found.kind === 'authenticated') return found;
        if (rankOf(found) > rankOf(outcome)) outcome = found;
      }
      return outcome;
    },
  };
}

const RANK = { absent: 0, refused: 3, forbidden: 4, unavailable: 5, authenticated: 6 };

/** What is no key of one authenticator may be a token of another, also one that the first finds too long. */
function rankOf(found: Authentication): number {
  if (found.kind !== 'refused') return RANK[found.kind];
  if (found.reason === 'CREDENTIALS_UNKNOWN') return 1;
  return found.reason === 'CREDENTIALS_MALFORMED' ? 2 : RANK.refused;
}
