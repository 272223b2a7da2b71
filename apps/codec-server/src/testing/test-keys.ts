import { type CodecKey, createKey } from '@heliograph/codec/codecs';

/** A key whose 32 bytes are all the same. */
export function testKey(id: string, byte: number, isOfSamples = false): CodecKey {
  return createKey(id, Buffer.alloc(32, byte), { isOfSamples });
}
