import { constants } from 'node:buffer';
import { promisify } from 'node:util';
import { gunzip, zstdCompress, zstdCompressSync, zstdDecompress } from 'node:zlib';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { assertOption } from '../contract/assert-option.ts';
import { CodecError } from '../contract/errors.ts';
import { COMPRESSED, GZIPPED, METADATA } from '../contract/metadata.ts';
import { encodingOf } from './envelope.ts';
import { toOwnMemory } from './own-memory.ts';
import { readPayload, writePayload } from './payload-bytes.ts';
import { isOneZstdFrame } from './zstd-frame.ts';

/** Options of {@link createCompressionCodec}. */
export interface CompressionOptions {
  /** Payloads below this size are left as they are, in bytes; 0 or more, default 1,024. */
  readonly minBytes?: number;
  /** The largest payload that decompression may give, and that is compressed, in bytes; above 0, default 64 MiB. */
  readonly maxInflatedBytes?: number;
}

const deflate = promisify(zstdCompress);
const inflateZstd = promisify(zstdDecompress);
const inflateGzip = promisify(gunzip);

/** Up to this size, in bytes, compressing at once is faster than the way to another thread and back. */
const SYNC_BELOW = 16 * 1024;
const DEFAULT_MAX_INFLATED_BYTES = 64 * 1024 * 1024;
const encoder = new TextEncoder();

/**
 * Compresses payloads with zstd, and leaves those that would not get smaller as they are. It decodes gzip as well, and
 * passes every other encoding on. Payloads that come in one of these two encodings are always compressed once more, so
 * that they come back as they were. Put it before encryption: what is encrypted cannot be compressed.
 *
 * `encode` rejects with CODEC_TOO_LARGE for a payload above `maxInflatedBytes` that comes in one of these encodings; any
 * other one above it is left as it is.
 *
 * @throws CodecError CODEC_OPTIONS_INVALID
 */
export function createCompressionCodec({
  minBytes = 1024,
  maxInflatedBytes = DEFAULT_MAX_INFLATED_BYTES,
}: CompressionOptions = {}): PayloadCodec {
  assertOption(Number.isFinite(minBytes) && minBytes >= 0, 'minBytes', 'a number of bytes, 0 or more');
  assertOption(
    Number.isFinite(maxInflatedBytes) && maxInflatedBytes >= 1 && maxInflatedBytes <= constants.MAX_LENGTH,
    'maxInflatedBytes',
    `a number of bytes from 1 to ${constants.MAX_LENGTH}`,
  );
  return codecOf(minBytes, maxInflatedBytes);
}

/** Compresses only what would otherwise be taken for compressed by us, and decompresses like {@link createCompressionCodec}. */
export function createDecompressionCodec(): PayloadCodec {
  return codecOf(Number.POSITIVE_INFINITY, DEFAULT_MAX_INFLATED_BYTES);
}

function codecOf(minBytes: number, maxInflatedBytes: number): PayloadCodec {
  const compress = async (payload: Payload): Promise<Payload> => {
    const looksCompressed = isCompressed(encodingOf(payload));
    if (!looksCompressed && (payload.data?.length ?? 0) < minBytes) return payload;
    const { head, data } = writePayload(payload);
    const length = head.length + data.length;
    if (length > maxInflatedBytes) {
      if (!looksCompressed) return payload;
      throw tooLarge(maxInflatedBytes);
    }
    const whole = Buffer.concat([head, data], length);
    const packed = length < SYNC_BELOW ? zstdCompressSync(whole) : await deflate(whole);
    // The metadata of the compressed form are about 20 bytes.
    if (!looksCompressed && packed.length + 32 >= length) return payload;
    return { metadata: { [METADATA.encoding]: encoder.encode(COMPRESSED) }, data: toOwnMemory(packed) };
  };
  const inflate = async (payload: Payload): Promise<Payload> => {
    const encoding = encodingOf(payload);
    if (!isCompressed(encoding)) return payload;
    const bytes = await unpack(encoding, payload.data ?? new Uint8Array(), maxInflatedBytes);
    // No payload with an encoding is written as nothing, and one without data is not compressed.
    if (bytes.length === 0) throw noPayload();
    try {
      return readPayload(toOwnMemory(bytes));
    } catch {
      throw noPayload();
    }
  };
  return {
    encode: (payloads) => Promise.all(payloads.map(compress)),
    decode: (payloads) => Promise.all(payloads.map(inflate)),
  };
}

function isCompressed(encoding: string | null): encoding is typeof COMPRESSED | typeof GZIPPED {
  return encoding === COMPRESSED || encoding === GZIPPED;
}

/** @throws CodecError CODEC_TOO_LARGE, CODEC_CORRUPT */
async function unpack(
  encoding: typeof COMPRESSED | typeof GZIPPED,
  packed: Uint8Array,
  maxOutputLength: number,
): Promise<Buffer> {
  if (encoding === COMPRESSED && !isOneZstdFrame(packed)) throw changed();
  try {
    return await (encoding === COMPRESSED ? inflateZstd : inflateGzip)(packed, { maxOutputLength });
  } catch (error) {
    const code: unknown = typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
    throw code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(maxOutputLength) : changed();
  }
}

function tooLarge(maxInflatedBytes: number): CodecError {
  return new CodecError(
    'CODEC_TOO_LARGE',
    `A compressed payload would be larger than ${maxInflatedBytes} bytes.`,
  );
}

function changed(): CodecError {
  return new CodecError('CODEC_CORRUPT', 'A compressed payload was changed or truncated.');
}

function noPayload(): CodecError {
  return new CodecError('CODEC_CORRUPT', 'A compressed payload holds no payload.');
}
