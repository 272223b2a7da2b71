import { createHmac, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import type { Payload } from '@temporalio/common';
import { writePayload } from '../codecs/payload-bytes.ts';
import type { CodecKey } from '../keys/codec-key.ts';

/**
 * Id of what a payload holds: `<id of the key>-<64 hex digits>`. The digits are an HMAC-SHA256 of the payload before it is
 * compressed and encrypted, under a key of its own per namespace and domain. So the same payload has the same id within a
 * namespace and a domain, and an id confirms no guess to anyone without the key.
 */
export type ClaimId = string;

/** Name of an object: `<id>.<16 hex digits>`. The end is random, and no two objects ever have the same name. */
export type ClaimName = string;

const ID = /^([a-z0-9-]{1,32})-([0-9a-f]{64})$/;
const NAME = /^([a-z0-9-]{1,32}-[0-9a-f]{64})\.[0-9a-f]{16}$/;

/** Whether a text is a name of an object; no such text is a path, a bucket or an address. */
export function isClaimName(text: string): text is ClaimName {
  return NAME.test(text);
}

/** Makes a name for an object that was not there before. */
export function nameClaim(id: ClaimId): ClaimName {
  return `${id}.${randomBytes(8).toString('hex')}`;
}

/** The id in a name, and the id of the key that it was made with; null if it is no name. */
export function readClaimName(name: ClaimName): { readonly id: ClaimId; readonly keyId: string } | null {
  const id = NAME.exec(name)?.[1];
  const keyId = id === undefined ? undefined : ID.exec(id)?.[1];
  return id === undefined || keyId === undefined ? null : { id, keyId };
}

/** Computes the id of a payload that is neither compressed nor encrypted. */
export function claimIdOf(
  key: CodecKey,
  binding: { readonly namespace: string; readonly domain: string },
  { metadata, ...payload }: Payload,
): ClaimId {
  const sorted = Object.entries(metadata ?? {}).toSorted(([one], [other]) => (one < other ? -1 : 1));
  const { head, data } = writePayload({ ...payload, metadata: Object.fromEntries(sorted) });
  const hmac = createHmac('sha256', idKey(key.key, binding)).update(head);
  // protobufjs gives a payload without data a list of no numbers, which is no bytes.
  if (data.length > 0) hmac.update(data);
  return `${key.id}-${hmac.digest('hex')}`;
}

const idKeys = new WeakMap<KeyObject, Map<string, Buffer>>();

/** Derived with HKDF-SHA256, so that neither another namespace nor another domain gives the same ids. */
function idKey(
  key: KeyObject,
  { namespace, domain }: { readonly namespace: string; readonly domain: string },
): Buffer {
  // A domain has no slash.
  const info = `${domain}/${namespace}`;
  const known = idKeys.get(key) ?? new Map<string, Buffer>();
  idKeys.set(key, known);
  const derived = known.get(info) ?? Buffer.from(hkdfSync('sha256', key, 'heliograph/claim/1', info, 32));
  known.set(info, derived);
  return derived;
}
