import { decodeJwt, decodeProtectedHeader, errors, jwtVerify, type JWTPayload } from 'jose';
import type { Authentication, Authenticator } from './authenticator.ts';
import { readBearerToken } from './bearer-token.ts';
import { type Clock, systemClock } from './clock.ts';
import { ServiceError } from './errors.ts';
import { type JwksOptions, createJwks } from './jwks.ts';
import { type ClaimNames, type JwtIdentity, readIdentity } from './jwt-claims.ts';

/** Options of {@link createJwtAuth}. */
export interface JwtAuthOptions {
  /** The only `iss` that is accepted, character by character. */
  readonly issuer: string;
  /** What `aud` has to name: this API, or one of several names that it has. */
  readonly audience: string | readonly string[];
  /** Where the issuer publishes its keys. */
  readonly jwks: JwksOptions;
  /** Signatures that are accepted; never by a shared secret. Default RS256, PS256, ES256, EdDSA and Ed25519. */
  readonly algorithms?: readonly string[];
  /** How far the clocks may differ, for `exp` and `nbf`. Default 30,000. */
  readonly clockToleranceMs?: number;
  /** The longest token that is looked at, in characters. Default 8,192. */
  readonly maxTokenLength?: number;
  /** The header `typ` that is demanded, for example `at+jwt`. Default: any. */
  readonly typ?: string;
  readonly claims?: ClaimNames;
  /** Decides who the bearer of a verified token is. Default: a principal with the scopes, roles and tenant of the token. */
  readonly identify?: (identity: JwtIdentity) => Promise<Authentication>;
  readonly clock?: Clock;
}

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'];

/**
 * Creates authentication by JSON Web Tokens of an OpenID Connect issuer: `Authorization: Bearer <token>`. A token has to
 * name its key (`kid`), `iss`, `aud`, `sub` and `exp`. While keys cannot be fetched, tokens of unknown keys are
 * `unavailable`, not refused, and those of known keys are still verified.
 *
 * @throws {RangeError} for `none`, for signatures by a shared secret, and for a key set by plain http
 */
export function createJwtAuth(options: JwtAuthOptions): Authenticator {
  const { issuer, algorithms = ALGORITHMS, maxTokenLength = 8192, clock = systemClock } = options;
  const { identify = identifyByToken } = options;
  const refused = algorithms.find((name) => !/^(?:[RPE]S(?:256|384|512)|EdDSA|Ed25519)$/.test(name));
  if (refused !== undefined) throw new RangeError(`tokens signed by ${refused} cannot be accepted`);
  const { onProblem } = options.jwks;
  const keys = createJwks({ clock, ...options.jwks });

  const verify = async (token: string): Promise<JWTPayload> => {
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience: typeof options.audience === 'string' ? options.audience : [...options.audience],
      algorithms: [...algorithms],
      clockTolerance: (options.clockToleranceMs ?? 30_000) / 1000,
      requiredClaims: ['sub', 'exp'],
      currentDate: new Date(clock.now()),
      ...(options.typ === undefined ? {} : { typ: options.typ }),
    });
    return payload;
  };
  return {
    scheme: 'Bearer',
    authenticate: async (headers) => {
      const bearer = readBearerToken(headers, maxTokenLength);
      if (bearer === null) return { kind: 'absent' };
      if (bearer === 'malformed' || !isMeantForUs(bearer.token, issuer, algorithms))
        return { kind: 'refused' };
      let claims: JWTPayload;
      try {
        claims = await verify(bearer.token);
      } catch (error) {
        if (error instanceof ServiceError) return { kind: 'unavailable', cause: error };
        // Not about the token: a key of the issuer that cannot be used.
        if (!(error instanceof errors.JOSEError) || error instanceof errors.JWKSInvalid) onProblem?.(error);
        return { kind: 'refused' };
      }
      const identity = readIdentity(claims, options.claims);
      return identity === null ? { kind: 'refused' } : identify(identity);
    },
  };
}

/** The id of the principal of a token's bearer, distinct from the ids of keys. */
export function principalIdOf({ issuer, subject }: Pick<JwtIdentity, 'issuer' | 'subject'>): string {
  return `${subject}@${issuer}`;
}

async function identifyByToken(identity: JwtIdentity): Promise<Authentication> {
  const { scopes, roles, tenant } = identity;
  const id = principalIdOf(identity);
  return {
    kind: 'authenticated',
    principal: { id, scopes, roles, ...(tenant === undefined ? {} : { tenant }) },
  };
}

/** Looks at what nobody has vouched for yet, only to refuse without asking the issuer for keys. */
function isMeantForUs(token: string, issuer: string, algorithms: readonly string[]): boolean {
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    const isSigned = typeof alg === 'string' && algorithms.includes(alg);
    return isSigned && typeof kid === 'string' && kid !== '' && decodeJwt(token).iss === issuer;
  } catch {
    return false;
  }
}
