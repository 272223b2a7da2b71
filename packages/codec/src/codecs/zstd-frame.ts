const MAGIC = [0x28, 0xb5, 0x2f, 0xfd] as const;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const BLOCK_HEADER_BYTES = 3;
const RUN = 1;
const RESERVED = 3;

/**
 * Whether bytes are one whole zstd frame (RFC 8878), from its first byte to its last: the decoder of Node 22.18 takes
 * a truncated frame for a shorter one, and drops whatever follows the first.
 */
export function isOneZstdFrame(bytes: Uint8Array): boolean {
  if (MAGIC.some((byte, at) => bytes[at] !== byte)) return false;
  const descriptor = bytes[MAGIC.length] ?? 0;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const contentSize = CONTENT_SIZE_BYTES[descriptor >> 6] ?? 0;
  let at = MAGIC.length + 1 + (isSingleSegment ? 0 : 1) + (DICTIONARY_ID_BYTES[descriptor & 3] ?? 0);
  at += isSingleSegment && contentSize === 0 ? 1 : contentSize;
  for (let isLast = false; !isLast;) {
    if (at + BLOCK_HEADER_BYTES > bytes.length) return false;
    const header = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
    const kind = (header >> 1) & 3;
    if (kind === RESERVED) return false;
    isLast = (header & 1) === 1;
    at += BLOCK_HEADER_BYTES + (kind === RUN ? 1 : header >> 3);
  }
  const checksum = (descriptor & 4) === 0 ? 0 : 4;
  return at + checksum === bytes.length;
}
