import { promisify } from 'node:util';
import { constants, gunzip, zstdDecompress, zstdDecompressSync } from 'node:zlib';
import type { Payload } from '@temporalio/common';
import { CodecError, isCodecError } from '../contract/errors.ts';
import { COMPRESSED, GZIPPED } from '../contract/metadata.ts';
import { encodingOf } from './envelope.ts';
import { toOwnMemory } from './own-memory.ts';
import { readPayload } from './payload-bytes.ts';
import { readZstdFrame } from './zstd-frame.ts';

/** How large payloads may get by decompression, in bytes. One that gets no larger by it is never too large. */
export interface InflationLimits {
  /** The largest payload that is compressed, and that decompression may give; above 0, default 64 MiB. */
  readonly maxInflatedBytes: number;
  /**
   * What all payloads of one call of `decode` may give together, and how much of one call of `encode` is compressed; above
   * 0, default 128 MiB.
   */
  readonly maxInflatedBytesPerCall: number;
  /**
   * Counts the memory of decompressed payloads, and in `decodeEach` of decrypted ones: `take` the most that one may become,
   * before it is made, `release` what that was too much. What `take` throws fails the payload. Default none.
   */
  readonly hold?: { take(bytes: number): void; release(bytes: number): void };
}

const inflateZstd = promisify(zstdDecompress);
const inflateGzip = promisify(gunzip);

/** Up to this size, in bytes, decompressing at once is faster than the way to another thread and back. */
const SYNC_BELOW = 32 * 1024;
/** Bytes that a decompressor writes at a time; each time is a way to another thread and back. */
const CHUNK = { least: 1024, usual: 64 * 1024, most: 1024 * 1024 };
/** Windows that a frame may ask for: what zstd uses by itself up to level 19, and the most that its decoder allows. */
const WINDOW_LOG = { least: 23, most: 27 };

export function isCompressed(encoding: string | null): encoding is typeof COMPRESSED | typeof GZIPPED {
  return encoding === COMPRESSED || encoding === GZIPPED;
}

/**
 * Makes what decompresses the payloads of one call, one after the other: together they are as much as the limits say, so
 * many small bombs take no more memory than one. Payloads that are not compressed are passed on.
 *
 * It rejects with CODEC_TOO_LARGE, or with CODEC_CORRUPT for what is no payload in one whole frame.
 */
export function createInflation({
  maxInflatedBytes,
  maxInflatedBytesPerCall,
  hold,
}: InflationLimits): (payload: Payload) => Promise<Payload> {
  let left = maxInflatedBytesPerCall;
  return async (payload) => {
    const encoding = encodingOf(payload);
    if (!isCompressed(encoding)) return payload;
    const packed = payload.data ?? new Uint8Array();
    const roomBytes = Math.max(1, packed.length, Math.min(maxInflatedBytes, packed.length + left));
    const bytes = await unpack(encoding, packed, roomBytes, hold);
    if (bytes === null) throw tooLarge(roomBytes < maxInflatedBytes ? null : maxInflatedBytes);
    left -= Math.max(0, bytes.length - packed.length);
    // No payload with an encoding is written as nothing, and one without data is not compressed.
    if (bytes.length === 0) throw noPayload();
    try {
      return readPayload(toOwnMemory(bytes));
    } catch {
      throw noPayload();
    }
  };
}

/**
 * Null for what would be larger.
 *
 * @throws CodecError CODEC_CORRUPT
 */
async function unpack(
  encoding: typeof COMPRESSED | typeof GZIPPED,
  packed: Uint8Array,
  maxOutputLength: number,
  hold: InflationLimits['hold'],
): Promise<Buffer | null> {
  const frame = encoding === COMPRESSED ? readZstdFrame(packed) : { contentBytes: null };
  if (frame === null) throw changed();
  const { contentBytes } = frame;
  if (contentBytes !== null && contentBytes > maxOutputLength) return null;
  const most = contentBytes ?? maxOutputLength;
  hold?.take(most);
  let bytes: Buffer | null = null;
  try {
    bytes = await decompress(encoding, packed, maxOutputLength, contentBytes);
    return bytes;
  } finally {
    hold?.release(most - (bytes?.length ?? 0));
  }
}

/** @throws CodecError CODEC_CORRUPT */
async function decompress(
  encoding: typeof COMPRESSED | typeof GZIPPED,
  packed: Uint8Array,
  maxOutputLength: number,
  contentBytes: number | null,
): Promise<Buffer | null> {
  const chunkSize = Math.min(CHUNK.most, Math.max(CHUNK.least, contentBytes ?? CHUNK.usual));
  try {
    if (encoding === GZIPPED) {
      const bytes = await inflateGzip(packed, { maxOutputLength, chunkSize });
      if (endsAsOneMember(packed, bytes.length)) return bytes;
      throw changed();
    }
    const params = { [constants.ZSTD_d_windowLogMax]: windowLog(maxOutputLength) };
    const options = { maxOutputLength, chunkSize, params };
    const isSmall = contentBytes !== null && contentBytes < SYNC_BELOW;
    return isSmall ? zstdDecompressSync(packed, options) : await inflateZstd(packed, options);
  } catch (error) {
    if (isCodecError(error)) throw error;
    const code: unknown = typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
    if (code === 'ERR_BUFFER_TOO_LARGE') return null;
    throw changed();
  }
}

/** The last four bytes of a gzip member are its size; the decoder drops zeros after it, and goes on with another one. */
function endsAsOneMember(packed: Uint8Array, length: number): boolean {
  const trailer = new DataView(packed.buffer, packed.byteOffset + packed.length - 4, 4);
  return trailer.getUint32(0, true) === length % 2 ** 32;
}

/** A frame of a few bytes can ask for a window of gigabytes. */
function windowLog(maxOutputLength: number): number {
  const needed = Math.ceil(Math.log2(Math.max(2, maxOutputLength)));
  return Math.min(WINDOW_LOG.most, Math.max(WINDOW_LOG.least, needed));
}

function tooLarge(maxInflatedBytes: number | null): CodecError {
  const limit =
    maxInflatedBytes === null ? 'all that may be decompressed in one call' : `${maxInflatedBytes} bytes`;
  return new CodecError('CODEC_TOO_LARGE', `A compressed payload would be larger than ${limit}.`);
}

function changed(): CodecError {
  return new CodecError('CODEC_CORRUPT', 'A compressed payload was changed or truncated.');
}

function noPayload(): CodecError {
  return new CodecError('CODEC_CORRUPT', 'A compressed payload holds no payload.');
}
