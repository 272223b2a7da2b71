import type { Payload } from '@temporalio/common';
import { CodecError } from '../contract/errors.ts';
import { ENCRYPTED, FORMAT, METADATA } from '../contract/metadata.ts';
import { isKeyId } from '../keys/codec-key.ts';
import { isDomain } from '../keys/key-ring.ts';

/** What an encrypted payload says about itself in clear. All of it is authenticated, except where `format` is null. */
export interface Envelope {
  /** Null: the format of the official samples, which authenticates nothing but the ciphertext. */
  readonly format: typeof FORMAT | null;
  readonly keyId: string;
  readonly wrappedKey: Uint8Array | null;
  /** Null in the format of the samples. */
  readonly namespace: string | null;
  /** Null in the format of the samples. */
  readonly domain: string | null;
}

const texts = {
  encoder: new TextEncoder(),
  /** Two byte arrays never give the same text, so a byte order mark is part of it. */
  decoder: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }),
};

/** Ids of the samples' format are named by others; ours are of a stricter grammar. */
const SAMPLES_KEY_ID = /^[\x20-\x7e]{1,128}$/;

/** The encoding of a payload; null where it has none. */
export function encodingOf({ metadata }: Payload): string | null {
  return textOf(metadata?.[METADATA.encoding]);
}

/** The domain that an encrypted payload names; null where it names none. It is for counting: nothing is checked. */
export function domainOf({ metadata }: Payload): string | null {
  return textOf(metadata?.[METADATA.domain]);
}

/**
 * Reads the envelope of a payload; null for one that is not encrypted.
 *
 * @throws CodecError CODEC_CORRUPT if it names no key, or one, or a domain, that is no name, which is not quoted: whoever
 *   wrote the payload chose it; also if it is of a format that this release does not know.
 */
export function readEnvelope(payload: Payload): Envelope | null {
  if (encodingOf(payload) !== ENCRYPTED) return null;
  const metadata = payload.metadata ?? {};
  const keyId = textOf(metadata[METADATA.keyId]);
  if (keyId === null || keyId === '')
    throw new CodecError('CODEC_CORRUPT', 'An encrypted payload does not say which key it needs.');
  const isOfSamples = metadata[METADATA.format] === undefined;
  if (isOfSamples ? !SAMPLES_KEY_ID.test(keyId) : !isKeyId(keyId))
    throw new CodecError('CODEC_CORRUPT', 'An encrypted payload names a key by what is no id of a key.');
  const wrapped = metadata[METADATA.wrappedKey];
  const wrappedKey = wrapped === undefined || wrapped.length === 0 ? null : wrapped;
  if (isOfSamples) return { format: null, keyId, wrappedKey, namespace: null, domain: null };
  const namespace = textOf(metadata[METADATA.namespace]);
  const domain = textOf(metadata[METADATA.domain]);
  if (textOf(metadata[METADATA.format]) !== FORMAT || namespace === null || domain === null)
    throw new CodecError(
      'CODEC_CORRUPT',
      `A payload that was encrypted with key ${keyId} has a format that this release does not know.`,
      { keyId },
    );
  if (!isDomain(domain))
    throw new CodecError(
      'CODEC_CORRUPT',
      `A payload that was encrypted with key ${keyId} names a domain by what is no name of a domain.`,
      { keyId },
    );
  return { format: FORMAT, keyId, wrappedKey, namespace, domain };
}

/** Metadata of the envelope of a payload that is being encrypted. */
export function envelopeMetadata({
  keyId,
  wrappedKey,
  namespace,
  domain,
}: {
  readonly keyId: string;
  readonly wrappedKey: Uint8Array | null;
  readonly namespace: string;
  readonly domain: string;
}): Record<string, Uint8Array> {
  const { encoder } = texts;
  return {
    [METADATA.encoding]: encoder.encode(ENCRYPTED),
    [METADATA.keyId]: encoder.encode(keyId),
    ...(wrappedKey === null ? {} : { [METADATA.wrappedKey]: wrappedKey }),
    [METADATA.format]: encoder.encode(FORMAT),
    [METADATA.namespace]: encoder.encode(namespace),
    [METADATA.domain]: encoder.encode(domain),
  };
}

/**
 * What an envelope authenticates beside its ciphertext: format, namespace, domain and key id, each with its length in
 * front (4 bytes, big-endian), so that no two envelopes give the same bytes.
 */
export function associatedData({
  namespace,
  domain,
  keyId,
}: {
  readonly namespace: string;
  readonly domain: string;
  readonly keyId: string;
}): Uint8Array {
  const parts = [FORMAT, namespace, domain, keyId].map((text) => texts.encoder.encode(text));
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + 4 + length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length);
    bytes.set(part, at + 4);
    at += 4 + part.length;
  }
  return bytes;
}

function textOf(bytes: Uint8Array | undefined): string | null {
  if (bytes === undefined) return null;
  try {
    return texts.decoder.decode(bytes);
  } catch {
    return null;
  }
}
