import { constants } from 'node:buffer';
import { promisify } from 'node:util';
import { zstdCompress, zstdCompressSync } from 'node:zlib';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { assertOption } from '../contract/assert-option.ts';
import { COMPRESSED, METADATA } from '../contract/metadata.ts';
import { encodingOf } from './envelope.ts';
import { createInflation, type InflationLimits, isCompressed } from './inflation.ts';
import { toOwnMemory } from './own-memory.ts';
import { writePayload } from './payload-bytes.ts';
import { storeInZstdFrame } from './zstd-frame.ts';

/** Options of {@link createCompressionCodec}. */
export interface CompressionOptions extends Partial<InflationLimits> {
  /** Payloads below this size are left as they are, in bytes; 0 or more, default 1,024. */
  readonly minBytes?: number;
}

const deflate = promisify(zstdCompress);

/** Up to this size, in bytes, compressing at once is faster than the way to another thread and back. */
const SYNC_BELOW = 16 * 1024;
/** What one payload, and all payloads of a call together, may be once they are decompressed. */
const DEFAULT_LIMITS: InflationLimits = {
  maxInflatedBytes: 64 * 1024 * 1024,
  maxInflatedBytesPerCall: 128 * 1024 * 1024,
};
const encoder = new TextEncoder();

/**
 * Compresses payloads with zstd, and leaves those that would not get smaller as they are. It decodes gzip as well, and
 * passes every other encoding on. Payloads that come in one of these two encodings are always put into another frame of
 * zstd, so that they come back as they were; above the limits they are not compressed in it. Put it before encryption:
 * what is encrypted cannot be compressed.
 *
 * `encode` does not fail, and never makes what its own limits refuse at `decode` in a call of the same payloads.
 *
 * @throws CodecError CODEC_OPTIONS_INVALID
 */
export function createCompressionCodec(options: CompressionOptions = {}): PayloadCodec {
  const compression = createCompression(options);
  return {
    encode: (payloads) => compression.encode(payloads),
    async decode(payloads) {
      const inflate = createInflation(compression.limits);
      const inflated: Payload[] = [];
      for (const payload of payloads) inflated.push(await inflate(payload));
      return inflated;
    },
  };
}

/** What compresses payloads, and how far they may be decompressed again. */
export interface Compression {
  readonly limits: InflationLimits;
  encode(payloads: Payload[]): Promise<Payload[]>;
}

/**
 * Creates compression. Switched off, it compresses nothing; what would be taken for compressed by us is still put into a
 * frame.
 *
 * @throws CodecError CODEC_OPTIONS_INVALID
 */
export function createCompression(options: CompressionOptions | false): Compression {
  const { hold, ...given }: CompressionOptions = options === false ? {} : options;
  const { minBytes, ...limits } = {
    minBytes: 1024,
    ...DEFAULT_LIMITS,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
  assertOption(Number.isFinite(minBytes) && minBytes >= 0, 'minBytes', 'a number of bytes, 0 or more');
  for (const name of ['maxInflatedBytes', 'maxInflatedBytesPerCall'] as const) {
    const bytes = limits[name];
    assertOption(
      Number.isFinite(bytes) && bytes >= 1 && bytes <= constants.MAX_LENGTH,
      name,
      `a number of bytes from 1 to ${constants.MAX_LENGTH}`,
    );
  }
  const leastBytes = options === false ? Number.POSITIVE_INFINITY : minBytes;
  return {
    limits: hold === undefined ? limits : { ...limits, hold },
    encode(payloads) {
      let left = limits.maxInflatedBytesPerCall;
      return Promise.all(
        // In order up to the first await, so that the limit is shared out in order.
        payloads.map(async (payload) => {
          const looksCompressed = isCompressed(encodingOf(payload));
          if (!looksCompressed && (payload.data?.length ?? 0) < leastBytes) return payload;
          const { head, data } = writePayload(payload);
          const length = head.length + data.length;
          const canBeRead = length <= Math.min(limits.maxInflatedBytes, left);
          if (!canBeRead) return looksCompressed ? framed(storeInZstdFrame([head, data])) : payload;
          left -= length;
          return compress(payload, [head, data], { length, looksCompressed });
        }),
      );
    },
  };
}

async function compress(
  payload: Payload,
  parts: readonly Uint8Array[],
  { length, looksCompressed }: { readonly length: number; readonly looksCompressed: boolean },
): Promise<Payload> {
  const packed = await deflateParts(parts, length);
  // The metadata of the compressed form are about 20 bytes.
  const isSmaller = packed !== null && packed.length + 32 < length;
  if (looksCompressed) return framed(isSmaller ? toOwnMemory(packed) : storeInZstdFrame(parts));
  return isSmaller ? framed(toOwnMemory(packed)) : payload;
}

/** Null where the compressor fails, for example without memory: `encode` leaves the payload as it is. */
async function deflateParts(parts: readonly Uint8Array[], length: number): Promise<Buffer | null> {
  try {
    const whole = Buffer.concat(parts, length);
    if (length < SYNC_BELOW) return zstdCompressSync(whole);
    // The frame then says its size, as it does by itself above. Missing in the types of Node 22.
    const sized = { pledgedSrcSize: length };
    return await deflate(whole, { params: {}, ...sized });
  } catch {
    return null;
  }
}

function framed(data: Buffer): Payload {
  return { metadata: { [METADATA.encoding]: encoder.encode(COMPRESSED) }, data };
}
