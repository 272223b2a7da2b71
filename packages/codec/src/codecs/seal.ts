import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
/** Bytes of the nonce, at the front of what is sealed. */
export const NONCE_BYTES = 12;
/** Bytes of the tag, at its end. */
const TAG_BYTES = 16;
/** Bytes that sealing adds. */
export const SEAL_BYTES = NONCE_BYTES + TAG_BYTES;

/** Encrypts `head` and `data`, one after the other, into nonce ‖ ciphertext ‖ tag. A nonce is never used twice with a key. */
export function seal(
  key: KeyObject,
  { nonce, associated }: { readonly nonce: Uint8Array; readonly associated: Uint8Array | null },
  { head, data }: { readonly head: Uint8Array; readonly data: Uint8Array },
): Uint8Array {
  const cipher = createCipheriv(CIPHER, key, nonce);
  if (associated !== null) cipher.setAAD(associated);
  // Memory of its own: Node's pool of small buffers holds what else is in the process.
  const sealed = Buffer.allocUnsafeSlow(head.length + data.length + SEAL_BYTES);
  sealed.set(nonce, 0);
  sealed.set(cipher.update(head), NONCE_BYTES);
  if (data.length > 0) sealed.set(cipher.update(data), NONCE_BYTES + head.length);
  cipher.final();
  sealed.set(cipher.getAuthTag(), sealed.length - TAG_BYTES);
  return sealed;
}

/** Decrypts what `seal` made; null if anything about it was changed, or it is of another key. */
export function open(key: KeyObject, associated: Uint8Array | null, sealed: Uint8Array): Uint8Array | null {
  if (sealed.length < SEAL_BYTES) return null;
  const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  if (associated !== null) decipher.setAAD(associated);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  // A stream cipher gives as many bytes as it takes; they are worth nothing before the tag was checked.
  const bytes = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES));
  try {
    decipher.final();
    return bytes;
  } catch {
    return null;
  }
}
