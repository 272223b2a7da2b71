import * as v from 'valibot';
import type { Clock } from './clock.ts';
import { readLimited } from './read-limited.ts';

/** Options of {@link createDiscovery}. */
export interface DiscoveryOptions {
  /** `iss` of the tokens: https, or http on loopback. */
  readonly issuer: string;
  /** How old the document may become before it is read again. */
  readonly refreshAfterMs: number;
  /** How old it may become while it cannot be read again. */
  readonly maxAgeMs: number;
  /** How long a known address waits for the document to be read again. */
  readonly timeoutMs: number;
  /** Hears why the document could not be read again, while the known address goes on to be used. */
  readonly onProblem: (error: unknown) => void;
  readonly clock: Clock;
  readonly fetch?: typeof globalThis.fetch;
}

/** Where an issuer publishes its keys, as its discovery document says. */
export interface Discovery {
  /** Where the document is. */
  readonly url: URL;
  /**
   * Resolves to the address of the keys.
   *
   * @throws {Error} if the document cannot be read, is of another issuer, or names an address that is not safe
   */
  findKeySet(signal: AbortSignal): Promise<URL>;
  /** The keys were not there: the document is read again before it is believed. */
  doubt(): void;
}

const MAX_BYTES = 262_144;
const documentSchema = v.object({ issuer: v.string(), jwks_uri: v.pipe(v.string(), v.url()) });

/**
 * Reads the discovery document of an issuer (`/.well-known/openid-configuration`), which has to name this very issuer. No
 * redirect is followed: who answers for the issuer decides whose tokens are accepted.
 *
 * @throws {RangeError} for an issuer that is no address, or one that anybody between here and there could answer for
 */
export function createDiscovery(options: DiscoveryOptions): Discovery {
  const { issuer, refreshAfterMs, maxAgeMs, timeoutMs, onProblem, clock } = options;
  const { fetch = globalThis.fetch } = options;
  const url = documentUrlOf(issuer);
  let known: { readonly address: URL; readonly at: number } | null = null;
  let isDoubted = false;

  const read = async (signal: AbortSignal): Promise<URL> => {
    const response = await fetch(url, {
      headers: { accept: 'application/json' },
      redirect: 'manual',
      signal,
    });
    const what = `the discovery document ${url.href}`;
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`${what} is answered with ${response.status}, expected 200 and no redirect`);
    }
    const found = parseDocument(await readLimited(response, MAX_BYTES, what));
    if (found === null) throw new Error(`${what} is not JSON with issuer and jwks_uri`);
    if (found.issuer !== issuer)
      throw new Error(
        `${what} is of the issuer ${JSON.stringify(found.issuer.slice(0, 200))}, not of ${JSON.stringify(issuer)}`,
      );
    const address = new URL(found.jwks_uri);
    // Only an issuer on this machine may have its keys on this machine.
    const isSafe = url.protocol === 'https:' ? address.protocol === 'https:' : isSafeAddress(address);
    if (!isSafe) throw new Error(`${what} names keys that cannot be fetched by https`);
    return address;
  };

  return {
    url,
    findKeySet: async (signal) => {
      const ageMs = known === null ? Infinity : clock.monotonicMs() - known.at;
      if (known !== null && ageMs < refreshAfterMs && !isDoubted) return known.address;
      const former = ageMs < maxAgeMs ? known : null;
      try {
        const until = former === null ? signal : AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
        known = { address: await read(until), at: clock.monotonicMs() };
        isDoubted = false;
        return known.address;
      } catch (error) {
        if (former === null) throw error;
        onProblem(error);
        return former.address;
      }
    },
    doubt: () => {
      isDoubted = true;
    },
  };
}

/** Whether only its owner can answer for an address: https, or http on loopback. */
export function isSafeAddress({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

function documentUrlOf(issuer: string): URL {
  const problem =
    'an issuer whose keys are discovered has to be an https address without query, or on loopback';
  if (!URL.canParse(issuer)) throw new RangeError(problem);
  const address = new URL(issuer);
  if (!isSafeAddress(address) || /[?#]/.test(issuer)) throw new RangeError(problem);
  return new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
}

function parseDocument(body: Buffer): v.InferOutput<typeof documentSchema> | null {
  try {
    const parsed = v.safeParse(documentSchema, JSON.parse(new TextDecoder().decode(body)));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
