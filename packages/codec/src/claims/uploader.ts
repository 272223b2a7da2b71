import { CodecError } from '../contract/errors.ts';
import type { Limiter } from '../keys/run-within.ts';
import type { ClaimId, ClaimName } from './claim-name.ts';
import type { ClaimOwner, ClaimRegistry } from './claim-registry.ts';
import type { ObjectStore } from './object-store.ts';
import { retryWithin } from './retry-within.ts';

/** While the store is away, it is tried once in this time for envelopes that may stay inline. */
const AWAY_MS = 5000;
/** Names whose objects this process knows to be stored; names are never used again. */
const MAX_KNOWN = 10_000;

/** Stores bytes for an owner, and resolves to their name. */
export type Upload = (id: ClaimId, owner: ClaimOwner, bytes: Uint8Array) => Promise<ClaimName>;

/**
 * Creates the function that uploads. First it registers the owner, then it stores the object, then it looks whether the
 * name is still the object's: so no name is handed out whose object the collector has given up.
 *
 * It rejects with a CodecError after `uploadTimeoutMs`, and for what does not fit into `maxInlineBytes` after
 * `largeUploadTimeoutMs`; at once, while the store is away, for what does fit.
 */
export function createUploader({
  store,
  registry,
  limit,
  maxInlineBytes,
  uploadTimeoutMs,
  largeUploadTimeoutMs,
}: {
  readonly store: ObjectStore;
  readonly registry: ClaimRegistry;
  readonly limit: Limiter;
  readonly maxInlineBytes: number;
  readonly uploadTimeoutMs: number;
  readonly largeUploadTimeoutMs: number;
}): Upload {
  const known = new Set<ClaimName>();
  let awayUntil = Number.NEGATIVE_INFINITY;
  const attempt = async (
    id: ClaimId,
    owner: ClaimOwner,
    bytes: Uint8Array,
    signal: AbortSignal,
  ): Promise<ClaimName> => {
    const name = await registry.claim(id, owner, signal);
    if (known.has(name)) return name;
    await store.put(name, bytes, signal);
    const current = await registry.currentNames([name], signal);
    if (!current.has(name))
      throw new CodecError('CODEC_CLAIMS_UNAVAILABLE', `The object ${name} was collected meanwhile.`, {
        retryable: true,
      });
    const [oldest] = known;
    if (known.size === MAX_KNOWN && oldest !== undefined) known.delete(oldest);
    known.add(name);
    return name;
  };
  return async (id, owner, bytes) => {
    const fitsInline = bytes.length <= maxInlineBytes;
    if (performance.now() < awayUntil && fitsInline)
      throw new CodecError('CODEC_CLAIMS_UNAVAILABLE', 'The store of large payloads is away.', {
        retryable: true,
      });
    try {
      const timeoutMs = fitsInline ? uploadTimeoutMs : largeUploadTimeoutMs;
      const name = await retryWithin({ timeoutMs, limit }, (signal) => attempt(id, owner, bytes, signal));
      awayUntil = Number.NEGATIVE_INFINITY;
      return name;
    } catch (error) {
      awayUntil = performance.now() + AWAY_MS;
      throw error;
    }
  };
}
