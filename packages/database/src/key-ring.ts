import { DatabaseError } from './errors.ts';

/** One key for sealing. */
export interface SealingKey {
  /** 1 to 64 of `a-z A-Z 0-9 . _ -`; it is stored beside everything the key has sealed. */
  readonly id: string;
  /** 32 bytes in base64url. */
  readonly key: string;
}

/** Keys of which one seals and all open. */
export interface KeyRing {
  readonly keys: readonly SealingKey[];
  readonly activeKeyId: string;
}

/**
 * Reads a ring written as `k1:<base64url>,k0:<base64url>`; the first key seals, all open. To rotate, add
 * the new key as the last one everywhere, then move it to the front everywhere: a process that lacks the key cannot open what
 * another has sealed with it. Drop the old one when no row names it any more.
 *
 * @throws DatabaseError DATABASE_KEY_RING_INVALID, naming the position or id, never a key.
 */
export function parseKeyRing(text: string): KeyRing {
  const keys = text.split(',').map((entry, index) => {
    const [id, key, ...rest] = entry.trim().split(':');
    if (id === undefined || key === undefined || rest.length > 0)
      throw invalid(`entry ${index + 1} is not of the form id:key`);
    return { id, key };
  });
  for (const { id, key } of keys) decodeKey(id, key);
  const [first] = keys;
  if (first === undefined) throw invalid('it is empty');
  if (new Set(keys.map(({ id }) => id)).size !== keys.length) throw invalid('an id occurs twice');
  return { keys, activeKeyId: first.id };
}

/**
 * Checks one key and returns its bytes.
 *
 * @throws DatabaseError DATABASE_KEY_RING_INVALID
 */
export function decodeKey(id: string, key: string): Buffer {
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(id))
    throw invalid('an id is not 1 to 64 letters, digits, dots, dashes or underscores');
  const bytes = /^[A-Za-z0-9_-]+$/.test(key) ? Buffer.from(key, 'base64url') : Buffer.alloc(0);
  if (bytes.length !== 32) throw invalid(`the key ${id} is not 32 bytes in base64url`);
  return bytes;
}

function invalid(reason: string): DatabaseError {
  return new DatabaseError(
    'DATABASE_KEY_RING_INVALID',
    `the key ring for stored secrets is not usable: ${reason}`,
  );
}
