import { randomFillSync } from 'node:crypto';
import type { Payload, PayloadCodec, SerializationContext } from '@temporalio/common';
import { assertOption } from '../contract/assert-option.ts';
import { CodecError, isCodecError } from '../contract/errors.ts';
import type { CodecKey } from '../keys/codec-key.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { createKeyWait } from '../keys/wait-for-key.ts';
import type { CodecMetrics } from '../telemetry/codec-metrics.ts';
import {
  associatedData,
  domainOf,
  encodingOf,
  type Envelope,
  envelopeMetadata,
  readEnvelope,
} from './envelope.ts';
import { readPayload, writePayload } from './payload-bytes.ts';
import { NONCE_BYTES, open as openBytes, seal } from './seal.ts';

/** Options of {@link createEncryptionCodec}. */
export interface EncryptionOptions {
  readonly keys: KeyRing;
  /** Namespace of the workflows. Payloads of another namespace are refused. */
  readonly namespace: string;
  /** Domain that encrypts, for example `dispatch`. Payloads of any domain of the ring are decrypted. */
  readonly domain: string;
  /**
   * What to do with payloads that are not encrypted. `permissive` passes them on as they are, for a migration: whoever may
   * write to the Temporal Server can then hand plain payloads to workers. `strict` refuses them. Default `strict`.
   */
  readonly mode?: 'strict' | 'permissive';
  /**
   * Decrypts only: the ring needs no active key, for example where the role of this process may not make data keys.
   * `encode` rejects with CODEC_DECODE_ONLY; no worker or client takes such a codec. Default false.
   */
  readonly isDecodeOnly?: boolean;
  /**
   * How long `decode` waits for a key whose source is away, in milliseconds, so that activities do not use up attempts
   * meanwhile; default 30,000. Payloads of workflow tasks wait at most 5,000: a failed workflow task is repeated by the
   * server and uses up nothing. 0 fails at once, for who can ask again, such as a codec server.
   */
  readonly maxKeyWaitMs?: number;
  /** Ends all waiting for keys, for a process that stops. */
  readonly signal?: AbortSignal;
  /** Receives what is counted; see `createCodecMetrics`. */
  readonly metrics?: Pick<CodecMetrics, 'decodeFailed' | 'keyWaited'>;
  /** Makes the nonce of an encryption; by default random. For test vectors only: a nonce must never be used twice. */
  readonly makeNonce?: () => Uint8Array;
}

/**
 * Encrypts whole payloads, metadata included, with AES-256-GCM and the active key of the domain. Namespace, domain, key
 * id and format are authenticated, so a payload cannot be moved to another namespace or domain.
 *
 * `encode` does not fail: the active key is in memory. `decode` rejects with a `CodecError`, and never returns what it
 * could not authenticate.
 *
 * @throws CodecError CODEC_KEY_UNKNOWN if the ring has no keys of the domain; CODEC_DECODE_ONLY if it has none that
 *   encrypts; CODEC_OPTIONS_INVALID for a namespace that is empty or not the one that the keys are bound to, and for an
 *   unknown mode.
 */
export function createEncryptionCodec(options: EncryptionOptions): PayloadCodec {
  const encryption = createEncryption(options);
  return {
    encode: (payloads) => encryption.encode(payloads),
    decode: (payloads, context) =>
      Promise.all(payloads.map(async (payload) => (await encryption.open(payload, context)).payload)),
  };
}

/** A payload that was decrypted, with the envelope that it was in; null for one that came plain. */
export interface OpenedPayload {
  readonly payload: Payload;
  readonly envelope: Envelope | null;
}

/** Encryption, payload by payload. */
export interface Encryption {
  encode(payloads: Payload[]): Promise<Payload[]>;
  /** Decrypts one payload; rejects with a `CodecError`. */
  open(payload: Payload, context?: SerializationContext): Promise<OpenedPayload>;
  /**
   * Finds what decrypts a payload, which may wait and takes no memory; rejects with a `CodecError`. The payload is decrypted
   * when the result is called, which throws a `CodecError`.
   */
  findKey(payload: Payload, context?: SerializationContext): Promise<() => OpenedPayload>;
  /** Makes what counts that a payload is not decoded, and throws why. */
  readonly failedAt: (payload: Payload) => (error: unknown) => never;
}

/** The longest that a workflow task waits for a key: half of the default timeout of one. */
const MAX_WORKFLOW_TASK_WAIT_MS = 5000;

/** Creates what {@link createEncryptionCodec} is made of; it throws the same. */
export function createEncryption(options: EncryptionOptions): Encryption {
  const { keys, namespace, domain, mode = 'strict', makeNonce = randomNonce } = options;
  const { isDecodeOnly = false, maxKeyWaitMs = 30_000, signal, metrics } = options;
  assertOption(typeof namespace === 'string' && namespace !== '', 'namespace', 'the name of a namespace');
  assertOption(
    keys.namespace === undefined || keys.namespace === namespace,
    'namespace',
    'the namespace that the keys of the ring are bound to',
  );
  assertOption(mode === 'strict' || mode === 'permissive', 'mode', 'strict or permissive');
  assertOption(maxKeyWaitMs >= 0, 'maxKeyWaitMs', 'a number of milliseconds, 0 or more');
  if (!isDecodeOnly) keys.activeKey(domain);
  const waitForKey = createKeyWait({
    signal,
    onEnd: (outcome) => metrics?.keyWaited({ outcome }),
    random: Math.random,
  });
  let last: {
    readonly key: CodecKey;
    readonly metadata: Record<string, Uint8Array>;
    aad: Uint8Array;
  } | null = null;
  /** What is the same for all payloads of a key. */
  const envelopeOf = (key: CodecKey) => {
    if (last?.key === key) return last;
    const named = { keyId: key.id, wrappedKey: key.wrapped, namespace, domain };
    last = { key, metadata: envelopeMetadata(named), aad: associatedData(named) };
    return last;
  };
  const keyOf = (envelope: Envelope, context: SerializationContext | undefined) => {
    const { keyId, wrappedKey } = envelope;
    const of = envelope.domain ?? domain;
    return waitForKey({
      name: () => `${of}/${keyId}/${Buffer.from(wrappedKey ?? []).toString('latin1')}`,
      find: () => keys.findKey(of, keyId, wrappedKey),
      maxWaitMs:
        context?.type === 'workflow' ? Math.min(maxKeyWaitMs, MAX_WORKFLOW_TASK_WAIT_MS) : maxKeyWaitMs,
    });
  };
  const prepare = async (
    payload: Payload,
    context: SerializationContext | undefined,
  ): Promise<() => OpenedPayload> => {
    const envelope = readEnvelope(payload);
    if (envelope === null) {
      if (mode === 'permissive') return () => ({ payload, envelope });
      throw new CodecError(
        'CODEC_PLAIN_REFUSED',
        `A payload with the encoding ${describe(encodingOf(payload))} is not encrypted, and only encrypted ones are accepted here.`,
      );
    }
    if (envelope.namespace !== null && envelope.namespace !== namespace)
      throw new CodecError(
        'CODEC_NAMESPACE_FOREIGN',
        `A payload that was encrypted with key ${envelope.keyId} belongs to another namespace.`,
        { keyId: envelope.keyId },
      );
    const key = await keyOf(envelope, context);
    return () => ({ payload: readSealed(key, envelope, payload.data ?? new Uint8Array()), envelope });
  };
  const failedAt =
    (payload: Payload) =>
    (error: unknown): never => {
      if (isCodecError(error)) {
        const named = domainOf(payload);
        const isKnown = named !== null && keys.domains.includes(named);
        metrics?.decodeFailed({ code: error.code, domain: isKnown ? named : 'unknown' });
      }
      throw error;
    };
  return {
    async encode(payloads) {
      if (isDecodeOnly) throw decodeOnly(domain);
      const { key, metadata, aad } = envelopeOf(keys.activeKey(domain, payloads.length));
      return payloads.map((payload) => ({
        metadata: { ...metadata },
        data: seal(key.key, { nonce: makeNonce(), associated: aad }, writePayload(payload)),
      }));
    },
    open: (payload, context) =>
      prepare(payload, context)
        .then((open) => open())
        .catch(failedAt(payload)),
    findKey: async (payload, context) => {
      const failed = failedAt(payload);
      const open = await prepare(payload, context).catch(failed);
      return () => {
        try {
          return open();
        } catch (error) {
          return failed(error);
        }
      };
    },
    failedAt,
  };
}

function decodeOnly(domain: string): CodecError {
  return new CodecError(
    'CODEC_DECODE_ONLY',
    `Nothing is encrypted here: this process may only decrypt payloads of the domain ${domain}.`,
  );
}

/** @throws CodecError CODEC_CORRUPT */
function readSealed(key: CodecKey, envelope: Envelope, sealed: Uint8Array): Payload {
  const { keyId, namespace, domain } = envelope;
  const isOfSamples = namespace === null || domain === null;
  if (key.isOfSamples === isOfSamples) {
    const associated = isOfSamples ? null : associatedData({ namespace, domain, keyId });
    const bytes = openBytes(key.key, associated, sealed);
    const payload = bytes === null ? null : tryRead(bytes);
    if (payload !== null) return payload;
  }
  throw new CodecError(
    'CODEC_CORRUPT',
    `A payload that says it was encrypted with key ${keyId} cannot be decrypted: it was changed or truncated, or another key, namespace or domain encrypted it.`,
    { keyId },
  );
}

function tryRead(bytes: Uint8Array): Payload | null {
  try {
    return readPayload(bytes);
  } catch {
    return null;
  }
}

/** Only encodings that look like one are shown: it is written by whoever wrote the payload. */
function describe(encoding: string | null): string {
  return encoding !== null && /^[\w./+-]{1,64}$/.test(encoding) ? encoding : 'unknown';
}

/** Nonces are drawn many at a time; the operating system is asked once for 256 of them. */
const POOL_NONCES = 256;
let pool = Buffer.alloc(0);
let used = 0;

function randomNonce(): Uint8Array {
  if (used === pool.length) {
    pool = randomFillSync(Buffer.allocUnsafeSlow(NONCE_BYTES * POOL_NONCES));
    used = 0;
  }
  used += NONCE_BYTES;
  return pool.subarray(used - NONCE_BYTES, used);
}
