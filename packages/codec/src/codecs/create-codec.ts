import type { Payload, PayloadCodec, SerializationContext } from '@temporalio/common';
import type { ClaimCheck } from '../claims/claim-check.ts';
import { assertClaim, createClaimWriter } from '../claims/claim-writer.ts';
import { CodecError, isCodecError } from '../contract/errors.ts';
import { type CompressionOptions, createCompression } from './compression-codec.ts';
import { createEncryption, type EncryptionOptions, type OpenedPayload } from './encryption-codec.ts';
import { createInflation, type InflationLimits } from './inflation.ts';
import { SEAL_BYTES } from './seal.ts';

/** Options of {@link createCodec}. */
export interface CodecOptions extends EncryptionOptions {
  /**
   * False: nothing is compressed, but what was is still decompressed. Payloads that come in an encoding of compression are
   * put into a frame of it all the same, so that they come back as they were.
   */
  readonly compression?: CompressionOptions | false;
  /** Stores large payloads outside of histories; the domain then needs a key with `"use":"claims"`. Default none. */
  readonly claims?: ClaimCheck | null;
  /**
   * How large the payloads that one call of `decodeEach` gives may be together, metadata included, in bytes. What would be
   * more is CODEC_TOO_LARGE, and not even decrypted where that shows before. Default any.
   */
  readonly maxDecodedBytes?: number;
}

/** The outcome of one payload. */
export type DecodeOutcome =
  | { readonly kind: 'decoded'; readonly payload: Payload }
  | { readonly kind: 'failed'; readonly error: CodecError };

/** A codec of payloads, for the SDK and for a codec server. */
export interface Codec extends PayloadCodec {
  /** Whether `encode` rejects with CODEC_DECODE_ONLY. */
  readonly isDecodeOnly: boolean;
  /** The claim check of its options, which the SDK needs as well, as external storage; null without one. */
  readonly claims: ClaimCheck | null;
  /** The same codec, which stores nothing: a replay throws away what it encodes. */
  readonly forReplay: PayloadCodec;
  /**
   * Decodes like `decode`, in one call with one limit, but payloads that cannot be decoded do not take the others along. All
   * keys are looked for at once; then payloads are decrypted and decompressed one after the other, so that limits are looked
   * at before any memory is used.
   */
  decodeEach(payloads: readonly Payload[], context?: SerializationContext): Promise<readonly DecodeOutcome[]>;
}

/**
 * Creates the codec that a client, a worker, a replay and a codec server of one domain use alike: payloads are compressed,
 * then encrypted, then, if they are large and there is a claim check, stored outside. Pass it to the plugin of this package.
 *
 * Only what was encrypted is decompressed: a payload that comes plain in an encoding of compression is its owner's, and is
 * passed on as it is (`permissive`).
 *
 * @throws CodecError CODEC_KEY_UNKNOWN if the ring has no keys of the domain; CODEC_DECODE_ONLY if it has none that
 *   encrypts; CODEC_OPTIONS_INVALID.
 */
export function createCodec({
  compression = {},
  claims = null,
  maxDecodedBytes = Infinity,
  ...options
}: CodecOptions): Codec {
  const compressing = createCompression(compression);
  const encrypting = createEncryption(options);
  const { keys, namespace, domain, isDecodeOnly = false } = options;
  const storeLarge =
    isDecodeOnly || claims === null ? null : createClaimWriter({ keys, namespace, domain, claims });
  /** Decompresses the payloads of one call, which are to be given one after the other. */
  const createInflate = ({ hold = compressing.limits.hold }: Pick<InflationLimits, 'hold'> = {}) => {
    const inflate = createInflation({ ...compressing.limits, ...(hold === undefined ? {} : { hold }) });
    return async (payload: Payload, opened: OpenedPayload): Promise<Payload> => {
      if (opened.envelope === null) return opened.payload;
      return inflate(opened.payload)
        .catch((error: unknown) => {
          // The samples compress nothing, so such a payload may be as its owner made it.
          const isOfOwner = opened.envelope?.format === null && isCodecError(error);
          if (isOfOwner && error.code === 'CODEC_CORRUPT') return opened.payload;
          throw error;
        })
        .then((inflated) => {
          assertClaim(payload, inflated, { keys, namespace });
          return inflated;
        })
        .catch(encrypting.failedAt(payload));
    };
  };
  const encodeInline = async (payloads: Payload[]): Promise<Payload[]> =>
    encrypting.encode(isDecodeOnly ? payloads : await compressing.encode(payloads));
  const decode: PayloadCodec['decode'] = async (payloads, context) => {
    const opened = await Promise.all(
      payloads.map(async (payload) => [payload, await encrypting.open(payload, context)] as const),
    );
    const inflate = createInflate();
    const decoded: Payload[] = [];
    for (const [payload, one] of opened) decoded.push(await inflate(payload, one));
    return decoded;
  };
  return {
    isDecodeOnly,
    claims,
    forReplay: { encode: encodeInline, decode },
    decode,
    async encode(payloads, context) {
      const envelopes = await encodeInline(payloads);
      return storeLarge === null ? envelopes : storeLarge(payloads, envelopes, context);
    },
    async decodeEach(payloads, context) {
      const found = await Promise.allSettled(payloads.map((payload) => encrypting.findKey(payload, context)));
      const hold = countHeld(compressing.limits.hold);
      const inflate = createInflate({ hold });
      let leftBytes = maxDecodedBytes;
      const decodeOne = async (payload: Payload, open: () => OpenedPayload): Promise<Payload> => {
        const sealedBytes = payload.data?.length ?? 0;
        const assertRoom = (bytes: number): void => {
          if (bytes > leftBytes) encrypting.failedAt(payload)(tooLargeTogether(maxDecodedBytes));
        };
        assertRoom(sealedBytes - SEAL_BYTES);
        hold.take(sealedBytes);
        const opened = open();
        const decoded = await inflate(payload, opened);
        // Of what was decompressed, only that is kept.
        if (decoded !== opened.payload) hold.release(sealedBytes);
        const bytes = sizeOf(decoded);
        assertRoom(bytes);
        leftBytes -= bytes;
        return decoded;
      };
      const outcomes: DecodeOutcome[] = [];
      for (const [at, payload] of payloads.entries()) {
        const one = found[at];
        const before = hold.bytes();
        const decoding =
          one?.status === 'fulfilled' ? decodeOne(payload, one.value) : Promise.reject(one?.reason);
        outcomes.push(
          await decoding.then(
            (decoded) => ({ kind: 'decoded', payload: decoded }) as const,
            (error: unknown) => {
              hold.release(hold.bytes() - before);
              return { kind: 'failed', error: toCodecError(error) } as const;
            },
          ),
        );
      }
      return outcomes;
    },
  };
}

/** Knows how much of a hold is taken, so that what a failed payload took can be given back. */
function countHeld(hold: InflationLimits['hold']) {
  let held = 0;
  return {
    bytes: () => held,
    take(bytes: number) {
      hold?.take(bytes);
      held += bytes;
    },
    release(bytes: number) {
      hold?.release(bytes);
      held -= bytes;
    },
  };
}

function sizeOf({ metadata, data }: Payload): number {
  return Object.entries(metadata ?? {}).reduce(
    (sum, [name, value]) => sum + name.length + value.length,
    data?.length ?? 0,
  );
}

function tooLargeTogether(maxBytes: number): CodecError {
  return new CodecError(
    'CODEC_TOO_LARGE',
    `The payloads of this call are larger than ${maxBytes} bytes together.`,
  );
}

/** A key ring of somebody else may fail in any way; what it says may hold anything, and is not passed on. */
function toCodecError(error: unknown): CodecError {
  if (isCodecError(error)) return error;
  return new CodecError('CODEC_KEY_UNAVAILABLE', 'A key cannot be found: unknown error.', {
    retryable: true,
  });
}
