import { createHash, randomBytes } from 'node:crypto';

/** A new key: what the caller gets, and what is stored of it. */
export interface NewKey {
  /** `hgk_` + 12 characters + `_` + 32 random bytes and a checksum in base64url: 66 characters. */
  readonly key: string;
  /** The part before the secret; it finds the row, and people recognise the key by it. */
  readonly prefix: string;
  /** SHA-256 of the whole key. With 256 random bits there is nothing for a slow hash to protect. */
  readonly digest: Uint8Array;
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const KEY = /^(hgk_[a-z2-7]{12})_[A-Za-z0-9_-]{43}[A-Za-z0-9_-]{6}$/;

/** Makes a key. `random` is for tests. */
export function makeKey(random: (size: number) => Uint8Array = randomBytes): NewKey {
  const name = Array.from(random(12), (byte) => ALPHABET[byte % ALPHABET.length]).join('');
  const prefix = `hgk_${name}`;
  const body = `${prefix}_${Buffer.from(random(32)).toString('base64url')}`;
  const key = `${body}${checksumOf(body)}`;
  return { key, prefix, digest: digestOf(key) };
}

/** Reads what a caller sent; null for what cannot be a key of ours, so that it costs no look-up. */
export function parseKey(text: string): Pick<NewKey, 'prefix' | 'digest'> | null {
  const prefix = KEY.exec(text)?.[1];
  if (prefix === undefined || checksumOf(text.slice(0, -6)) !== text.slice(-6)) return null;
  return { prefix, digest: digestOf(text) };
}

/** SHA-256 of a key or token of ours. */
export function digestOf(text: string): Uint8Array {
  return createHash('sha256').update(text, 'utf8').digest();
}

/** Finds typing errors and lets secret scanners tell keys from look-alikes; it protects nothing. */
function checksumOf(body: string): string {
  return Buffer.from(digestOf(body)).toString('base64url').slice(0, 6);
}
