import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose';
import { type Clock, systemClock } from './clock.ts';
import { ServiceError } from './errors.ts';
import { createDiscovery, type Discovery, isSafeAddress } from './oidc-discovery.ts';
import { readLimited } from './read-limited.ts';

/** Options of {@link createJwks}. */
export interface JwksOptions {
  /** Where the key set is: https, or http on loopback. Default: where the discovery document of the issuer says. */
  readonly url?: string;
  /** How old keys may become before they are fetched again beside the requests. Default 600,000. */
  readonly refreshAfterMs?: number;
  /** How old keys may become while the server is unavailable; beyond it nothing is verified. Default 3,600,000. */
  readonly maxAgeMs?: number;
  /** The least time between two fetches, failed ones included. Default 5,000. */
  readonly cooldownMs?: number;
  /** The longest time for one fetch, that of the discovery document included. Default 3,000. */
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
export function createJwks(options: JwksOptions & { readonly issuer: string }): IssuerKeys {
  const { refreshAfterMs = 600_000, maxAgeMs = 3_600_000, cooldownMs = 5000, timeoutMs = 3000 } = options;
  const { onProblem, clock = systemClock } = options;
  let reportedAt = -Infinity;
  const report = (error: unknown): void => {
    if (clock.monotonicMs() - reportedAt < cooldownMs) return;
    reportedAt = clock.monotonicMs();
    onProblem?.(error);
  };
  const source = openSource(options, (issuer) =>
    createDiscovery({
      issuer,
      refreshAfterMs,
      maxAgeMs,
      // The keys need the rest of the time.
      timeoutMs: Math.ceil(timeoutMs / 2),
      onProblem: report,
      clock,
    }),
  );
  const remote = createRemoteJWKSet(source.url, {
    timeoutDuration: timeoutMs,
    // When to fetch is decided below, where failed fetches count as well.
    cacheMaxAge: Infinity,
    cooldownDuration: Infinity,
    [customFetch]: async (_, init) => {
      const address = await source.findKeySet(init.signal);
      try {
        const response = await checkBody(await fetch(address, init));
        if (response.status !== 200) source.doubt();
        return response;
      } catch (error) {
        source.doubt();
        throw error;
      }
    },
  });
  let fetchedAt = -Infinity;
  let failure = { at: -Infinity, error: undefined as unknown };

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

/** Where keys are: at an address, or where the issuer says. */
function openSource(
  { url, issuer }: Pick<JwksOptions, 'url'> & { readonly issuer: string },
  discover: (issuer: string) => Discovery,
): Discovery {
  if (url === undefined) return discover(issuer);
  const address = new URL(url);
  if (!isSafeAddress(address)) throw new RangeError('a key set has to be fetched by https, or from loopback');
  return { url: address, findKeySet: async () => address, doubt: () => undefined };
}

function unavailable(cause: unknown): ServiceError {
  return new ServiceError('SERVICE_AUTH_UNAVAILABLE', 'the keys of the token issuer cannot be fetched', {
    retryable: true,
    cause,
  });
}

/** A set without keys would replace good ones and refuse everybody: it is taken for a failure of the issuer. */
async function checkBody(response: Response): Promise<Response> {
  const body = await readLimited(response, MAX_BYTES, 'the key set');
  const { status, headers } = response;
  if (status === 200 && isEmptySet(body)) throw new RangeError('the key set has no keys');
  return new Response([204, 304].includes(status) ? null : body, { status, headers });
}

function isEmptySet(body: Buffer): boolean {
  try {
    const found: unknown = JSON.parse(new TextDecoder().decode(body));
    const keys: unknown = Reflect.get(Object(found), 'keys');
    return Array.isArray(keys) && keys.length === 0;
  } catch {
    // What is no JSON is refused, and described, by the library.
    return false;
  }
}
