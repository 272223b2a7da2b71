import type { Authentication, Authenticator } from './authenticator.ts';

/**
 * Asks each authenticator in turn until one knows the caller, so put those first that need no other server. If none
 * does, the outcome is `unavailable` where one of them could not tell, else `refused` where one saw credentials, else
 * `absent`. All have to have the same scheme.
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
        if (RANK[found.kind] > RANK[outcome.kind]) outcome = found;
      }
      return outcome;
    },
  };
}

const RANK = { absent: 0, refused: 1, unavailable: 2, authenticated: 3 };
