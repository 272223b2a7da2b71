import { createSecretKey, type KeyObject } from 'node:crypto';
import { CodecError } from '../contract/errors.ts';

/** A key of AES-256-GCM. */
export interface CodecKey {
  /** 1 to 64 of `a-z A-Z 0-9 . _ -`. Payloads name it for ever, so it is never given to another key. */
  readonly id: string;
  readonly key: KeyObject;
  /** The same key, wrapped by a key management service; it travels with each payload. Null for a key of our own. */
  readonly wrapped: Uint8Array | null;
  /**
   * Decrypts only, and only payloads in the format of the official samples, which authenticate neither namespace nor
   * domain. A key of its own, so that nobody can pass one of our envelopes off as such a payload.
   */
  readonly isOfSamples: boolean;
}

const ID = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * Makes a key out of 32 bytes.
 *
 * @throws CodecError CODEC_KEYS_INVALID
 */
export function createKey(
  id: string,
  bytes: Uint8Array,
  { wrapped = null, isOfSamples = false }: Partial<Pick<CodecKey, 'wrapped' | 'isOfSamples'>> = {},
): CodecKey {
  assertKeyId(id);
  if (bytes.length !== 32)
    throw new CodecError('CODEC_KEYS_INVALID', `Key ${id}: expected 32 bytes, not ${bytes.length}.`, {
      keyId: id,
    });
  return { id, key: createSecretKey(bytes), wrapped, isOfSamples };
}

export function isKeyId(id: string): boolean {
  return ID.test(id);
}

/** @throws CodecError CODEC_KEYS_INVALID */
export function assertKeyId(id: string): void {
  if (!isKeyId(id))
    throw new CodecError(
      'CODEC_KEYS_INVALID',
      'A key id has to be 1 to 64 letters, digits, dots, dashes or underscores.',
    );
}
