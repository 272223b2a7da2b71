import type { Payload, PayloadCodec } from '@temporalio/common';
import { createEncryptionCodec } from '../codecs/encryption-codec.ts';
import { type Envelope, readEnvelope } from '../codecs/envelope.ts';
import { readPayload, writePayload } from '../codecs/payload-bytes.ts';
import { type CodecErrorCode, isCodecError } from '../contract/errors.ts';
import { METADATA } from '../contract/metadata.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { ClaimName } from './claim-name.ts';
import type { ObjectStore } from './object-store.ts';

/** The outcome for an object. */
export type Reencryption =
  /** Its key is the active one already, in its newest version where that is known. `keyId` names it. */
  | { readonly name: ClaimName; readonly outcome: 'current'; readonly domain: string; readonly keyId: string }
  | {
      readonly name: ClaimName;
      /** `rewrapped`: its data key stayed, and was wrapped anew by a newer version of the active key. */
      readonly outcome: 'reencrypted' | 'rewrapped';
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
 * Encrypts stored objects of a namespace with the active key of their domain, a page at a time. Where only the version of the
 * active key is another one, it wraps their data key anew and leaves the ciphertext, see `KeyRing.rewrapKey`. Names and ids
 * stay, since histories hold them: what a reference stands for is its id, which is of the plaintext, so another ciphertext is
 * as good. An object is replaced as a whole or not at all. It can be repeated at any time, and beside uploads and collections.
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
    const isOfActive = active.id === envelope.keyId;
    const codec = (): PayloadCodec => createEncryptionCodec({ keys, namespace, domain });
    const next = isOfActive
      ? await rewrap(stored, envelope, { keys, codec })
      : await encryptAnew(stored, codec());
    if (next === undefined) return { name, outcome: 'current', domain, keyId: active.id };
    const isReplaced = await store.replace(name, { bytes: join(next), version: object.version }, signal);
    if (!isReplaced) return { name, outcome: 'gone' };
    return { name, outcome: isOfActive ? 'rewrapped' : 'reencrypted', domain, keyId: active.id };
  } catch (error) {
    if (isCodecError(error) && error.code !== 'CODEC_CLAIMS_UNAVAILABLE')
      return { name, outcome: 'failed', code: error.code };
    throw error;
  }
}

async function encryptAnew(stored: Payload, codec: PayloadCodec): Promise<Payload | undefined> {
  return (await codec.encode(await codec.decode([stored])))[0];
}

/**
 * The envelope with its data key wrapped anew; undefined where that is not due. A wrapped key is not authenticated but by what
 * it decrypts, and the object is the only copy: so nothing is replaced by what does not decrypt.
 */
async function rewrap(
  stored: Payload,
  { domain, keyId, wrappedKey }: Envelope,
  { keys, codec }: { readonly keys: KeyRing; readonly codec: () => PayloadCodec },
): Promise<Payload | undefined> {
  if (domain === null || wrappedKey === null) return undefined;
  const wrapped = (await keys.rewrapKey?.(domain, keyId, wrappedKey)) ?? null;
  if (wrapped === null) return undefined;
  const next = { ...stored, metadata: { ...stored.metadata, [METADATA.wrappedKey]: wrapped } };
  await codec().decode([next]);
  return next;
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
