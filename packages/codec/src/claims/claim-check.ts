import type { ExternalStorage, Payload } from '@temporalio/common';
import pLimit from 'p-limit';
import { readPayload, writePayload } from '../codecs/payload-bytes.ts';
import { encodingOf } from '../codecs/envelope.ts';
import { assertOption } from '../contract/assert-option.ts';
import { CodecError, isCodecError } from '../contract/errors.ts';
import { ENCRYPTED, METADATA } from '../contract/metadata.ts';
import type { Limiter } from '../keys/run-within.ts';
import { notify } from '../keys/notify.ts';
import type { ClaimId, ClaimName } from './claim-name.ts';
import { readReference } from './claim-reference.ts';
import type { ClaimOwner, ClaimRegistry } from './claim-registry.ts';
import { createExternalStorage } from './external-storage.ts';
import type { ObjectStore } from './object-store.ts';
import { retryWithin } from './retry-within.ts';
import { createUploader } from './uploader.ts';

/** Options of {@link createClaimCheck}. */
export interface ClaimCheckOptions {
  readonly store: ObjectStore;
  readonly registry: ClaimRegistry;
  /** Envelopes of this size and above are stored outside of histories, in bytes; default 262,144. */
  readonly thresholdBytes?: number;
  /** The largest envelope that is stored or fetched, in bytes; default 67,108,864. */
  readonly maxObjectBytes?: number;
  /**
   * The largest envelope that the Temporal Server takes inline, in bytes; default 1,966,080, a little below its limit of
   * 2 MiB. While the store is away, smaller ones stay inline at once, and larger ones wait for `largeUploadTimeoutMs`.
   */
  readonly maxInlineBytes?: number;
  /** How long an upload is tried before the envelope stays inline, in milliseconds; default 5,000. */
  readonly uploadTimeoutMs?: number;
  /** The same for an envelope that the server would not take inline; default 30,000. */
  readonly largeUploadTimeoutMs?: number;
  /** How long fetching an object is tried, in milliseconds; default 60,000. */
  readonly fetchTimeoutMs?: number;
  /** Receives why an envelope stayed inline, once a minute at most. */
  readonly onProblem?: (error: CodecError) => unknown;
}

/** Stores large envelopes outside of histories. One object serves clients, workers, replays and the codec server. */
export interface ClaimCheck {
  readonly thresholdBytes: number;
  /** For `dataConverter.externalStorage` of the SDK; the codec plugin sets it. */
  readonly externalStorage: ExternalStorage;
  /**
   * Stores an envelope of `thresholdBytes` or more for an owner, and resolves to it with the name of its object, for which
   * the SDK then sends a reference. If it cannot be stored, it resolves to the envelope as it is. It never rejects.
   */
  store(envelope: Payload, id: ClaimId, owner: ClaimOwner): Promise<Payload>;
  /**
   * Fetches the envelope that a reference payload names. It is as trustworthy as the store: only decryption tells whether
   * it is what the reference stands for, and of which namespace and domain.
   *
   * @throws CodecError CODEC_CLAIM_INVALID for a reference that is not ours, CODEC_CLAIM_MISSING, CODEC_TOO_LARGE,
   *   CODEC_CORRUPT for an object that is no envelope; CODEC_CLAIMS_UNAVAILABLE (retryable) after `fetchTimeoutMs`.
   */
  fetch(reference: Payload, signal?: AbortSignal): Promise<Payload>;
}

/** Transfers that one process has at a time: a page of references is no storm for the store. */
const MAX_TRANSFERS = 16;

/**
 * Creates a claim check.
 *
 * @throws CodecError CODEC_OPTIONS_INVALID
 */
export function createClaimCheck(options: ClaimCheckOptions): ClaimCheck {
  const {
    store,
    registry,
    thresholdBytes = 256 * 1024,
    maxObjectBytes = 64 * 1024 * 1024,
    maxInlineBytes = 1_966_080,
    uploadTimeoutMs = 5000,
    largeUploadTimeoutMs = 30_000,
    fetchTimeoutMs = 60_000,
    onProblem,
  } = options;
  const timeouts = { uploadTimeoutMs, largeUploadTimeoutMs };
  const sizes = { thresholdBytes, maxObjectBytes, maxInlineBytes, fetchTimeoutMs, ...timeouts };
  for (const [name, value] of Object.entries(sizes))
    assertOption(Number.isSafeInteger(value) && value > 0, name, 'a whole number above 0');
  const limit: Limiter = pLimit(MAX_TRANSFERS);
  const upload = createUploader({ store, registry, limit, maxInlineBytes, ...timeouts });
  let toldAt = Number.NEGATIVE_INFINITY;
  const report = (error: unknown): void => {
    if (performance.now() - toldAt < 60_000) return;
    toldAt = performance.now();
    const { code, message } = isCodecError(error) ? error : unavailable();
    notify(() => onProblem?.(new CodecError(code, `A large payload stays inline. ${message}`)));
  };
  const fetchObject = async (name: ClaimName, signal?: AbortSignal): Promise<Payload> => {
    const object = await retryWithin({ timeoutMs: fetchTimeoutMs, limit, signal }, (deadline) =>
      store.get(name, maxObjectBytes, deadline),
    );
    if (object !== null) return readEnvelope(name, object.bytes);
    throw new CodecError(
      'CODEC_CLAIM_MISSING',
      `The object ${name} of a large payload is not in the store. Restore it from a backup of the store.`,
    );
  };
  return {
    thresholdBytes,
    externalStorage: createExternalStorage({ type: store.type, thresholdBytes, fetch: fetchObject }),
    store: async (envelope, id, owner) => {
      const { head, data } = writePayload(envelope);
      const length = head.length + data.length;
      if (length < thresholdBytes || length > maxObjectBytes) return envelope;
      try {
        return mark(envelope, await upload(id, owner, Buffer.concat([head, data], length)));
      } catch (error) {
        report(error);
        return envelope;
      }
    },
    fetch: async (reference, signal) => fetchObject(readReference(reference), signal),
  };
}

/** The name of the reference, whatever the object says, so that decryption checks the one against the other. */
function readEnvelope(name: ClaimName, bytes: Uint8Array): Payload {
  try {
    const envelope = readPayload(bytes);
    if (encodingOf(envelope) === ENCRYPTED) return mark(envelope, name);
  } catch {
    // Refused below.
  }
  throw new CodecError('CODEC_CORRUPT', `The object ${name} of a large payload is no encrypted payload.`);
}

function mark(envelope: Payload, name: ClaimName): Payload {
  return { ...envelope, metadata: { ...envelope.metadata, [METADATA.claim]: Buffer.from(name) } };
}

function unavailable(): CodecError {
  return new CodecError('CODEC_CLAIMS_UNAVAILABLE', 'The store of large payloads failed.', {
    retryable: true,
  });
}
