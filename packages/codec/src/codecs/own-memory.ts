/**
 * The bytes in memory of their own. Small buffers of Node share an 8 KiB pool, so whoever is handed one and looks at its
 * `buffer`, or sends it to another thread, gets what else is in there.
 */
export function toOwnMemory(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength === bytes.length) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  own.set(bytes);
  return own;
}
