import {
  type CryptoKey,
  type JWTPayload,
  type JWTVerifyGetKey,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  jwtVerify,
} from 'jose';
import type { Authentication, Authenticator, RefusalReason } from './authenticator.ts';
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
  /** Where the issuer publishes its keys, and how they are kept. Default: where its discovery document says. */
  readonly jwks?: JwksOptions;
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
 * @throws {RangeError} for `none`, for signatures by a shared secret, and for a key set or a discovered issuer by plain http
 */
export function createJwtAuth(options: JwtAuthOptions): Authenticator {
  const { issuer, algorithms = ALGORITHMS, maxTokenLength = 8192, clock = systemClock } = options;
  const { identify = identifyByToken } = options;
  const refused = algorithms.find((name) => !/^(?:[RPE]S(?:256|384|512)|EdDSA|Ed25519)$/.test(name));
  if (refused !== undefined) throw new RangeError(`tokens signed by ${refused} cannot be accepted`);
  const keys = createJwks({ clock, ...options.jwks, issuer });

  const verifyBy = async (token: string, key: CryptoKey | JWTVerifyGetKey): Promise<JWTPayload> => {
    const settings = {
      issuer,
      audience: typeof options.audience === 'string' ? options.audience : [...options.audience],
      algorithms: [...algorithms],
      clockTolerance: (options.clockToleranceMs ?? 30_000) / 1000,
      requiredClaims: ['sub', 'exp'],
      currentDate: new Date(clock.now()),
      ...(options.typ === undefined ? {} : { typ: options.typ }),
    };
    const { payload } =
      typeof key === 'function'
        ? await jwtVerify(token, key, settings)
        : await jwtVerify(token, key, settings);
    return payload;
  };
  const verify = async (token: string): Promise<JWTPayload> => {
    try {
      return await verifyBy(token, keys.find);
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
      // An issuer that published an id twice: whichever key fits.
      let failure: unknown = new errors.JWSSignatureVerificationFailed();
      for await (const key of error) {
        try {
          return await verifyBy(token, key);
        } catch (cause) {
          if (!(cause instanceof errors.JWSSignatureVerificationFailed)) failure = cause;
        }
      }
      throw failure;
    }
  };
  return {
    scheme: 'Bearer',
    authenticate: async (headers) => {
      const bearer = readBearerToken(headers, maxTokenLength);
      if (bearer === null) return { kind: 'absent' };
      if (bearer === 'malformed') return { kind: 'refused', reason: 'CREDENTIALS_MALFORMED' };
      const early = findReason(bearer.token, issuer, algorithms);
      if (early !== null) return { kind: 'refused', reason: early };
      let claims: JWTPayload;
      try {
        claims = await verify(bearer.token);
      } catch (error) {
        if (error instanceof ServiceError) return { kind: 'unavailable', cause: error };
        const reason = reasonOf(error);
        // Not about the token, but about what the issuer published.
        if (reason === 'TOKEN_SIGNING_KEY_UNUSABLE') keys.report(error);
        return { kind: 'refused', reason };
      }
      const identity = readIdentity(claims, options.claims);
      return identity === null ? { kind: 'refused', reason: 'TOKEN_CLAIMS_INVALID' } : identify(identity);
    },
  };
}

/**
 * The id of the principal of a token's bearer, distinct from the ids of keys. The same subject is another caller in another
 * tenant.
 */
export function principalIdOf({
  issuer,
  subject,
  tenant,
}: Pick<JwtIdentity, 'issuer' | 'subject' | 'tenant'>): string {
  return `${subject}@${issuer}${tenant === undefined ? '' : `#${tenant}`}`;
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
function findReason(token: string, issuer: string, algorithms: readonly string[]): RefusalReason | null {
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    if (typeof alg !== 'string' || !algorithms.includes(alg)) return 'TOKEN_ALGORITHM_REFUSED';
    if (typeof kid !== 'string' || kid === '') return 'TOKEN_SIGNING_KEY_UNKNOWN';
    return decodeJwt(token).iss === issuer ? null : 'TOKEN_ISSUER_WRONG';
  } catch {
    return token.split('.').length === 3 ? 'TOKEN_MALFORMED' : 'CREDENTIALS_UNKNOWN';
  }
}

function reasonOf(error: unknown): RefusalReason {
  if (error instanceof errors.JWTExpired) return 'TOKEN_EXPIRED';
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason } = error;
    if (claim === 'nbf' && reason === 'check_failed') return 'TOKEN_NOT_YET_VALID';
    return OF_CLAIM[claim] ?? 'TOKEN_CLAIMS_INVALID';
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'TOKEN_SIGNATURE_INVALID';
  if (error instanceof errors.JWKSNoMatchingKey) return 'TOKEN_SIGNING_KEY_UNKNOWN';
  if (!(error instanceof errors.JOSEError) || error instanceof errors.JWKSInvalid)
    return 'TOKEN_SIGNING_KEY_UNUSABLE';
  return 'TOKEN_MALFORMED';
}

const OF_CLAIM: Readonly<Record<string, RefusalReason | undefined>> = {
  iss: 'TOKEN_ISSUER_WRONG',
  aud: 'TOKEN_AUDIENCE_WRONG',
  typ: 'TOKEN_TYPE_WRONG',
};
