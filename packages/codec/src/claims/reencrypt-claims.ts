import type { Payload } from '@temporalio/common';
import { createEncryptionCodec } from '../codecs/encryption-codec.ts';
import { readEnvelope } from '../codecs/envelope.ts';
import { readPayload, writePayload } from '../codecs/payload-bytes.ts';
import { type CodecErrorCode, isCodecError } from '../contract/errors.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { ClaimName } from './claim-name.ts';
import type { ObjectStore } from './object-store.ts';

/** The outcome for an object. */
export type Reencryption =
  /** Its key is the active one already. `keyId` names it. */
  | { readonly name: ClaimName; readonly outcome: 'current'; readonly domain: string; readonly keyId: string }
  | {
      readonly name: ClaimName;
      readonly outcome: 'reencrypted';
      readonly domain: string;
      readonly keyId: string;
    }
  /** It was deleted, or replaced by another process, meanwhile. */
  | { readonly name: ClaimName; readonly outcome: 'gone' }
  /** It is of another namespace than the one that is being rotated. */
  | { readonly name: ClaimName; readonly outcome: 'foreign' }
  | { readonly name: ClaimName; readonly outcome: 'failed'; readonly code: CodecErrorCode };

/** A page of objects that were looked at. */
export interface ReencryptedPage {
  readonly results: readonly Reencryption[];
  /** Pass it as `after` for the next page; null at the end. */
  readonly next: ClaimName | null;
}

const never = new AbortController().signal;

/**
 * Encrypts stored objects of a namespace with the active key of their domain, a page at a time. Names and ids stay, since
 * histories hold them: what a reference stands for is its id, which is of the plaintext, so another ciphertext is as good. It
 * can be repeated at any time, and beside uploads and collections.
 *
 * @throws CodecError CODEC_CLAIMS_UNAVAILABLE if the store does not answer.
 */
export async function reencryptClaims({
  store,
  keys,
  namespace,
  after = null,
  limit = 50,
  maxObjectBytes = 64 * 1024 * 1024,
  signal = never,
}: {
  readonly store: ObjectStore;
  /** With the keys of every domain that has objects; those of others are reported as `failed`. */
  readonly keys: KeyRing;
  readonly namespace: string;
  /** Where the page begins: `next` of the one before; default at the beginning. */
  readonly after?: ClaimName | null;
  /** Objects in a page; default 50. */
  readonly limit?: number;
  /** Default 67,108,864; larger ones are reported as `failed`. */
  readonly maxObjectBytes?: number;
  readonly signal?: AbortSignal;
}): Promise<ReencryptedPage> {
  const names = await store.list({ after, limit }, signal);
  const results: Reencryption[] = [];
  for (const name of names)
    results.push(await reencrypt(name, { store, keys, namespace, maxObjectBytes, signal }));
  return { results, next: names.at(-1) ?? null };
}

async function reencrypt(
  name: ClaimName,
  {
    store,
    keys,
    namespace,
    maxObjectBytes,
    signal,
  }: {
    readonly store: ObjectStore;
    readonly keys: KeyRing;
    readonly namespace: string;
    readonly maxObjectBytes: number;
    readonly signal: AbortSignal;
  },
): Promise<Reencryption> {
  try {
    const object = await store.get(name, maxObjectBytes, signal);
    if (object === null) return { name, outcome: 'gone' };
    const stored = tryRead(object.bytes);
    const envelope = stored === null ? null : readEnvelope(stored);
    if (stored === null || envelope === null || envelope.domain === null)
      return { name, outcome: 'failed', code: 'CODEC_CORRUPT' };
    if (envelope.namespace !== namespace) return { name, outcome: 'foreign' };
    const { domain } = envelope;
    const active = keys.activeKey(domain, 0);
    if (active.id === envelope.keyId) return { name, outcome: 'current', domain, keyId: active.id };
    const codec = createEncryptionCodec({ keys, namespace, domain });
    const [next] = await codec.encode(await codec.decode([stored]));
    const bytes = next === undefined ? new Uint8Array() : join(next);
    const isReplaced = await store.replace(name, { bytes, version: object.version }, signal);
    return isReplaced
      ? { name, outcome: 'reencrypted', domain, keyId: active.id }
      : { name, outcome: 'gone' };
  } catch (error) {
    if (isCodecError(error) && error.code !== 'CODEC_CLAIMS_UNAVAILABLE')
      return { name, outcome: 'failed', code: error.code };
    throw error;
  }
}

function tryRead(bytes: Uint8Array): Payload | null {
  try {
    return readPayload(bytes);
  } catch {
    return null;
  }
}

function join(payload: Payload): Uint8Array {
  const { head, data } = writePayload(payload);
  return Buffer.concat([head, data]);
}
