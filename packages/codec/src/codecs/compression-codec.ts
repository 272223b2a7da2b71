import { promisify } from 'node:util';
import { gunzip, zstdCompress, zstdCompressSync, zstdDecompress } from 'node:zlib';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { CodecError } from '../contract/errors.ts';
import { COMPRESSED, GZIPPED, METADATA } from '../contract/metadata.ts';
import { encodingOf } from './envelope.ts';
import { readPayload, writePayload } from './payload-bytes.ts';

/** Options of {@link createCompressionCodec}. */
export interface CompressionOptions {
  /** Payloads below this size are left as they are, in bytes; default 1,024. */
  readonly minBytes?: number;
  /** The largest payload that decompression may give, in bytes; default 64 MiB. */
  readonly maxInflatedBytes?: number;
}

const deflate = promisify(zstdCompress);
const inflateZstd = promisify(zstdDecompress);
const inflateGzip = promisify(gunzip);

/** Up to this size, in bytes, compressing at once is faster than the way to another thread and back. */
const SYNC_BELOW = 16 * 1024;
const encoder = new TextEncoder();

/**
 * Compresses payloads with zstd, and leaves those that would not get smaller as they are. It decodes gzip as well, and
 * passes every other encoding on. Put it before encryption: what is encrypted cannot be compressed.
 */
export function createCompressionCodec({
  minBytes = 1024,
  maxInflatedBytes = 64 * 1024 * 1024,
}: CompressionOptions = {}): PayloadCodec {
  const compress = async (payload: Payload): Promise<Payload> => {
    if ((payload.data?.length ?? 0) < minBytes) return payload;
    const { head, data } = writePayload(payload);
    const whole = Buffer.concat([head, data]);
    const packed = whole.length < SYNC_BELOW ? zstdCompressSync(whole) : await deflate(whole);
    // The metadata of the compressed form are about 20 bytes.
    if (packed.length + 32 >= whole.length) return payload;
    return { metadata: { [METADATA.encoding]: encoder.encode(COMPRESSED) }, data: packed };
  };
  const inflate = async (payload: Payload): Promise<Payload> => {
    const encoding = encodingOf(payload);
    if (encoding !== COMPRESSED && encoding !== GZIPPED) return payload;
    const unpack = encoding === COMPRESSED ? inflateZstd : inflateGzip;
    let bytes: Buffer;
    try {
      bytes = await unpack(payload.data ?? new Uint8Array(), { maxOutputLength: maxInflatedBytes });
    } catch (error) {
      throw inflateError(error, maxInflatedBytes);
    }
    try {
      return readPayload(bytes);
    } catch {
      throw new CodecError('CODEC_CORRUPT', 'A compressed payload holds no payload.');
    }
  };
  return {
    encode: (payloads) => Promise.all(payloads.map(compress)),
    decode: (payloads) => Promise.all(payloads.map(inflate)),
  };
}

function inflateError(error: unknown, maxInflatedBytes: number): CodecError {
  const code: unknown = typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
  return code === 'ERR_BUFFER_TOO_LARGE'
    ? new CodecError(
        'CODEC_TOO_LARGE',
        `A compressed payload would be larger than ${maxInflatedBytes} bytes.`,
      )
    : new CodecError('CODEC_CORRUPT', 'A compressed payload was changed or cut off.');
}
