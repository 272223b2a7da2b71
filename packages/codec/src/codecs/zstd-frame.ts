const MAGIC = [0x28, 0xb5, 0x2f, 0xfd] as const;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const BLOCK_HEADER_BYTES = 3;
const RUN = 1;
const RESERVED = 3;

/** A zstd frame (RFC 8878) whose blocks fill its bytes. */
export interface ZstdFrame {
  /** Bytes that it holds, as it says; null if it does not. A decoder refuses a frame that holds another number. */
  readonly contentBytes: number | null;
}

/**
 * Reads bytes that are one whole zstd frame, from its first byte to its last; null if they are not: the decoder of Node
 * 22.18 takes a truncated frame for a shorter one, and drops whatever follows the first.
 */
export function readZstdFrame(bytes: Uint8Array): ZstdFrame | null {
  if (MAGIC.some((byte, at) => bytes[at] !== byte)) return null;
  const descriptor = bytes[MAGIC.length] ?? 0;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeAt = MAGIC.length + 1 + (isSingleSegment ? 0 : 1) + (DICTIONARY_ID_BYTES[descriptor & 3] ?? 0);
  const flagged = CONTENT_SIZE_BYTES[descriptor >> 6] ?? 0;
  const sizeBytes = isSingleSegment && flagged === 0 ? 1 : flagged;
  let at = sizeAt + sizeBytes;
  for (let isLast = false; !isLast;) {
    if (at + BLOCK_HEADER_BYTES > bytes.length) return null;
    const header = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
    const kind = (header >> 1) & 3;
    if (kind === RESERVED) return null;
    isLast = (header & 1) === 1;
    at += BLOCK_HEADER_BYTES + (kind === RUN ? 1 : header >> 3);
  }
  const checksum = (descriptor & 4) === 0 ? 0 : 4;
  if (at + checksum !== bytes.length) return null;
  return { contentBytes: sizeBytes === 0 ? null : contentBytesAt(bytes, sizeAt, sizeBytes) };
}

/** Little-endian; in two bytes, the number is 256 less than the size. */
function contentBytesAt(bytes: Uint8Array, from: number, length: number): number {
  let size = length === 2 ? 256 : 0;
  for (let at = 0; at < length; at++) size += (bytes[from + at] ?? 0) * 256 ** at;
  return size;
}

/** The largest block that a frame may have, and the window that it is given. */
const STORED_BLOCK_BYTES = 128 * 1024;
const STORED_WINDOW = (17 - 10) << 3;
/** Eight bytes of content size, no checksum, no dictionary. */
const STORED_DESCRIPTOR = 0xc0;

/** Puts bytes into a zstd frame without compressing them: any decoder reads it, and it is larger than what it holds. */
export function storeInZstdFrame(parts: readonly Uint8Array[]): Buffer {
  const content = parts.reduce((sum, { length }) => sum + length, 0);
  const blocks = Math.max(1, Math.ceil(content / STORED_BLOCK_BYTES));
  const frame = Buffer.allocUnsafeSlow(MAGIC.length + 10 + blocks * BLOCK_HEADER_BYTES + content);
  frame.set([...MAGIC, STORED_DESCRIPTOR, STORED_WINDOW]);
  frame.writeBigUInt64LE(BigInt(content), MAGIC.length + 2);
  let at = MAGIC.length + 10;
  let left = content;
  let room = 0;
  const startBlock = (): void => {
    room = Math.min(left, STORED_BLOCK_BYTES);
    at = frame.writeUIntLE((room << 3) | (room === left ? 1 : 0), at, BLOCK_HEADER_BYTES);
  };
  startBlock();
  for (const part of parts)
    for (let from = 0; from < part.length;) {
      if (room === 0) startBlock();
      const piece = part.subarray(from, from + room);
      frame.set(piece, at);
      at += piece.length;
      from += piece.length;
      room -= piece.length;
      left -= piece.length;
    }
  return frame;
}
