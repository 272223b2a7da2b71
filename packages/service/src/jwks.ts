import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose';
import { type Clock, systemClock } from './clock.ts';
import { ServiceError } from './errors.ts';

/** Options of {@link createJwks}. */
export interface JwksOptions {
  /** Where the key set is: https, or http on loopback. */
  readonly url: string;
  /** How old keys may become before they are fetched again beside the requests. Default 600,000. */
  readonly refreshAfterMs?: number;
  /** How old keys may become while the server is unavailable; beyond it nothing is verified. Default 3,600,000. */
  readonly maxAgeMs?: number;
  /** The least time between two fetches, failed ones included. Default 5,000. */
  readonly cooldownMs?: number;
  /** The longest time for one fetch. Default 3,000. */
  readonly timeoutMs?: number;
  /** Hears why a fetch failed, or that a published key cannot be used; at most once per cooldown. */
  readonly onProblem?: (error: unknown) => void;
  readonly clock?: Clock;
}

/** The keys of an issuer. */
export interface IssuerKeys {
  /** For `jwtVerify` of jose. */
  readonly find: JWTVerifyGetKey;
  /** Tells `onProblem`, if it has heard of nothing during the cooldown. */
  readonly report: (error: unknown) => void;
}

const MAX_BYTES = 262_144;

/**
 * Creates the keys of a token's issuer, fetched when first needed and kept. An unknown key id fetches them again, so a
 * rotation needs nothing here; how often is limited by the cooldown, so that made-up ids cost the issuer nothing.
 *
 * @throws {RangeError} for an address that anybody between here and there could answer for
 */
export function createJwks(options: JwksOptions): IssuerKeys {
  const { refreshAfterMs = 600_000, maxAgeMs = 3_600_000, cooldownMs = 5000, timeoutMs = 3000 } = options;
  const { onProblem, clock = systemClock } = options;
  const url = new URL(options.url);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    throw new RangeError('a key set has to be fetched by https, or from loopback');
  }
  const remote = createRemoteJWKSet(url, {
    timeoutDuration: timeoutMs,
    // When to fetch is decided below, where failed fetches count as well.
    cacheMaxAge: Infinity,
    cooldownDuration: Infinity,
    [customFetch]: async (address, init) => checkBody(await fetch(address, init)),
  });
  let fetchedAt = -Infinity;
  let failure = { at: -Infinity, error: undefined as unknown };

  let reportedAt = -Infinity;
  const report = (error: unknown): void => {
    if (clock.monotonicMs() - reportedAt < cooldownMs) return;
    reportedAt = clock.monotonicMs();
    onProblem?.(error);
  };

  const reload = async (): Promise<void> => {
    if (clock.monotonicMs() - failure.at < cooldownMs) throw unavailable(failure.error);
    try {
      // Concurrent callers share one fetch.
      await remote.reload();
    } catch (error) {
      report(error);
      failure = { at: clock.monotonicMs(), error };
      throw unavailable(error);
    }
    fetchedAt = clock.monotonicMs();
  };

  const find: JWTVerifyGetKey = async (header, token) => {
    const fetchedBefore = fetchedAt;
    const ageMs = clock.monotonicMs() - fetchedAt;
    if (ageMs >= maxAgeMs) await reload();
    // Known keys go on to be used meanwhile; `reload` reports a failure.
    else if (ageMs >= refreshAfterMs) reload().catch(() => undefined);
    try {
      return await remote(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    }
    if (fetchedAt !== fetchedBefore) return remote(header, token);
    // An id is of one key: this token was made with another one, and no new key will fit it.
    if (remote.jwks()?.keys.some(({ kid }) => kid === header.kid) === true) return remote(header, token);
    // The token may be newer than our keys: until they have been fetched again, "unknown" would be a guess.
    const restMs = cooldownMs - (clock.monotonicMs() - fetchedAt);
    if (restMs > 0) throw unavailable(new Error(`the keys may be fetched again in ${Math.ceil(restMs)} ms`));
    await reload();
    return remote(header, token);
  };
  return { find, report };
}

function unavailable(cause: unknown): ServiceError {
  return new ServiceError('SERVICE_AUTH_UNAVAILABLE', 'the keys of the token issuer cannot be fetched', {
    retryable: true,
    cause,
  });
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

/** A set without keys would replace good ones and refuse everybody: it is taken for a failure of the issuer. */
async function checkBody(response: Response): Promise<Response> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BYTES) throw new RangeError(`the key set is larger than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  const { status, headers } = response;
  const body = Buffer.concat(chunks);
  if (status === 200 && isEmptySet(body)) throw new RangeError('the key set has no keys');
  return new Response([204, 304].includes(status) ? null : body, { status, headers });
}

function isEmptySet(body: Buffer): boolean {
  try {
    const found: unknown = JSON.parse(body.toString('utf8'));
    const keys: unknown = Reflect.get(Object(found), 'keys');
    return Array.isArray(keys) && keys.length === 0;
  } catch {
    // What is no JSON is refused, and described, by the library.
    return false;
  }
}
