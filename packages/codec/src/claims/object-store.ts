import type { ClaimName } from './claim-name.ts';

/** What a store holds under a name. */
export interface StoredObject {
  readonly bytes: Uint8Array;
  /** Changes when the bytes are replaced. */
  readonly version: string;
}

/**
 * Where the envelopes of large payloads are: ciphertext, under names that say nothing. Functions reject with
 * CODEC_CLAIMS_UNAVAILABLE if the store does not answer or refuses, and no error holds an address or a credential.
 */
export interface ObjectStore {
  /** For logs and the heartbeat of workers, for example `postgres`. */
  readonly type: string;
  /**
   * Stores an object that is there completely or not at all, also after a crash. If the name is taken, the first bytes
   * stay; resolves to whether these were stored.
   */
  put(name: ClaimName, bytes: Uint8Array, signal: AbortSignal): Promise<boolean>;
  /**
   * Reads an object; null if there is none.
   *
   * @throws CodecError CODEC_TOO_LARGE for an object above `maxBytes`, without reading it.
   */
  get(name: ClaimName, maxBytes: number, signal: AbortSignal): Promise<StoredObject | null>;
  /** Replaces the bytes of an object that still has that version; resolves to whether it did. */
  replace(
    name: ClaimName,
    object: { readonly bytes: Uint8Array; readonly version: string },
    signal: AbortSignal,
  ): Promise<boolean>;
  /** Deletes an object; it is no error if there is none. */
  remove(name: ClaimName, signal: AbortSignal): Promise<void>;
  /** Names in a fixed order of the store's own, after one of its names, at most `limit`; an empty list is the end. */
  list(
    page: { readonly after: ClaimName | null; readonly limit: number },
    signal: AbortSignal,
  ): Promise<readonly ClaimName[]>;
}
