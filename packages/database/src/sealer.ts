import { type KeyObject, createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';
import { DatabaseError } from './errors.ts';
import { type KeyRing, decodeKey } from './key-ring.ts';

/** A sealed secret as it is stored: which key, and version byte, nonce, ciphertext and tag in one. */
export interface Sealed {
  readonly keyId: string;
  readonly sealed: Uint8Array;
}

/** Seals secrets for storage and opens them again. */
export interface Sealer {
  readonly activeKeyId: string;
  /**
   * Seals text with the active key. `context` says where it is stored, `connected_app:<id>`: what was sealed
   * for one place cannot be opened at another.
   */
  seal(plaintext: string, context: string): Sealed;
  /**
   * Opens what was sealed with any key of the ring.
   *
   * @throws DatabaseError DATABASE_SEALED_KEY_UNKNOWN, DATABASE_SEALED_CORRUPT (changed, cut, or from another context)
   */
  open(sealed: Sealed, context: string): string;
  /** Tells whether something should be sealed again because another key is active now. */
  isStale(sealed: Pick<Sealed, 'keyId'>): boolean;
}

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + NONCE_BYTES;

/**
 * Creates a sealer: AES-256-GCM with a random nonce; version, key id and context are authenticated. One key
 * should seal fewer than 2^32 secrets, after which random nonces may repeat.
 *
 * @throws DatabaseError DATABASE_KEY_RING_INVALID
 */
export function createSealer(
  ring: KeyRing,
  nonce: () => Uint8Array = () => randomBytes(NONCE_BYTES),
): Sealer {
  const keys = new Map<string, KeyObject>(
    ring.keys.map(({ id, key }) => [id, createSecretKey(decodeKey(id, key))]),
  );
  const { activeKeyId } = ring;
  const active = keys.get(activeKeyId);
  if (active === undefined) {
    throw new DatabaseError(
      'DATABASE_KEY_RING_INVALID',
      `the key ring has no key with the active id ${activeKeyId}`,
    );
  }
  return {
    activeKeyId,
    seal: (plaintext, context) => {
      const iv = nonce();
      const cipher = createCipheriv('aes-256-gcm', active, iv);
      cipher.setAAD(associatedData(activeKeyId, context));
      const body = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
      return {
        keyId: activeKeyId,
        sealed: Buffer.concat([Buffer.of(VERSION), iv, body, cipher.getAuthTag()]),
      };
    },
    open: ({ keyId, sealed }, context) => {
      const key = keys.get(keyId);
      if (key === undefined) {
        throw new DatabaseError(
          'DATABASE_SEALED_KEY_UNKNOWN',
          `the secret of ${context} is sealed with the key ${keyId}, which the ring lacks`,
        );
      }
      const corrupt = (reason: string): DatabaseError =>
        new DatabaseError(
          'DATABASE_SEALED_CORRUPT',
          `the secret of ${context} cannot be opened with the key ${keyId}: ${reason}`,
        );
      if (sealed.length < HEADER_BYTES + TAG_BYTES) throw corrupt('it is too short');
      if (sealed[0] !== VERSION) throw corrupt('its format is not known');
      const tagAt = sealed.length - TAG_BYTES;
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, HEADER_BYTES), {
          authTagLength: TAG_BYTES,
        });
        decipher.setAAD(associatedData(keyId, context));
        decipher.setAuthTag(sealed.subarray(tagAt));
        return Buffer.concat([
          decipher.update(sealed.subarray(HEADER_BYTES, tagAt)),
          decipher.final(),
        ]).toString('utf8');
      } catch {
        throw corrupt('it was changed or belongs to another place');
      }
    },
    isStale: ({ keyId }) => keyId !== activeKeyId,
  };
}

// A key id has no NUL, so the parts cannot be shifted against each other.
function associatedData(keyId: string, context: string): Buffer {
  return Buffer.concat([Buffer.of(VERSION), Buffer.from(`${keyId}\0${context}`, 'utf8')]);
}
