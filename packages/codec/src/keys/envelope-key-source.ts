/** What a data key is made for. A source gives it back for the same namespace and domain only. */
export interface KeyBinding {
  /** Namespace of the workflows. */
  readonly namespace: string;
  readonly domain: string;
}

/** A data key, in clear and wrapped by the key of a key management service. */
export interface DataKey {
  /** 32 bytes. Whoever receives them overwrites them after use. */
  readonly plaintext: Uint8Array;
  /** Travels with each payload; 1 to 6,144 bytes. */
  readonly wrapped: Uint8Array;
}

/**
 * A key of a key management service, which never leaves the service and wraps data keys.
 *
 * Its functions reject with a `CodecError`: CODEC_KEY_REFUSED where the service answered and asking again does not help,
 * CODEC_KEY_UNAVAILABLE (retryable) for anything else. None names a secret.
 */
export interface EnvelopeKeySource {
  /** Id that payloads name: 1 to 64 of `a-z A-Z 0-9 . _ -`, never given to another key. */
  readonly id: string;
  /** Asks for a new data key. An aborted signal ends the request. */
  generateDataKey(binding: KeyBinding, signal: AbortSignal): Promise<DataKey>;
  /** Asks for the data key that was wrapped, in clear. An aborted signal ends the request. */
  unwrapDataKey(wrapped: Uint8Array, binding: KeyBinding, signal: AbortSignal): Promise<Uint8Array>;
  /**
   * The version of this key that wrapped a data key, which grows each time that its material is rotated; null where the service
   * does not show it. It is read out of the bytes, so it is as trustworthy as they are.
   */
  wrappingVersion(wrapped: Uint8Array): number | null;
  /** Asks to wrap a data key that is known in clear. An aborted signal ends the request. */
  wrapDataKey(plaintext: Uint8Array, binding: KeyBinding, signal: AbortSignal): Promise<Uint8Array>;
  /**
   * Asks to wrap a data key anew, with the newest version of this key, without it leaving the service in clear. Null where
   * the service cannot: `from`, the source that wrapped it, is of another service. An aborted signal ends the request.
   */
  rewrapDataKey(
    wrapped: Uint8Array,
    from: EnvelopeKeySource,
    binding: KeyBinding,
    signal: AbortSignal,
  ): Promise<Uint8Array | null>;
}
