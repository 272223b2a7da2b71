import type { PayloadCodec } from '@temporalio/common';
import { type CompressionOptions, createCompressionCodec } from './compression-codec.ts';
import { createEncryptionCodec, type EncryptionOptions } from './encryption-codec.ts';

/** Options of {@link createCodec}. */
export interface CodecOptions extends EncryptionOptions {
  /** False: nothing is compressed, but what was is still decompressed. */
  readonly compression?: CompressionOptions | false;
}

/**
 * Creates the codec that a client, a worker, a replay and a codec server of one domain use alike: payloads are compressed,
 * then encrypted. Pass it as the only one of `payloadCodecs`, together with the failure converter of this package.
 *
 * @throws CodecError CODEC_KEY_UNKNOWN if the ring has no keys of the domain.
 */
export function createCodec({ compression = {}, ...encryption }: CodecOptions): PayloadCodec {
  const isCompressing = compression !== false;
  const compressing = createCompressionCodec(isCompressing ? compression : {});
  const encrypting = createEncryptionCodec(encryption);
  return {
    encode: async (payloads) =>
      encrypting.encode(isCompressing ? await compressing.encode(payloads) : payloads),
    decode: async (payloads) => compressing.decode(await encrypting.decode(payloads)),
  };
}
