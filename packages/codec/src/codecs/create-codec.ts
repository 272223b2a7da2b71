import type { PayloadCodec } from '@temporalio/common';
import {
  type CompressionOptions,
  createCompressionCodec,
  createDecompressionCodec,
} from './compression-codec.ts';
import { createEncryptionCodec, type EncryptionOptions } from './encryption-codec.ts';

/** Options of {@link createCodec}. */
export interface CodecOptions extends EncryptionOptions {
  /**
   * False: nothing is compressed, but what was is still decompressed. Payloads that come in an encoding of compression are
   * compressed all the same, so that they come back as they were.
   */
  readonly compression?: CompressionOptions | false;
}

/**
 * Creates the codec that a client, a worker, a replay and a codec server of one domain use alike: payloads are compressed,
 * then encrypted. Pass it as the only one of `payloadCodecs`, together with the failure converter of this package.
 *
 * @throws CodecError CODEC_KEY_UNKNOWN if the ring has no keys of the domain; CODEC_OPTIONS_INVALID.
 */
export function createCodec({ compression = {}, ...encryption }: CodecOptions): PayloadCodec {
  const compressing =
    compression === false ? createDecompressionCodec() : createCompressionCodec(compression);
  const encrypting = createEncryptionCodec(encryption);
  return {
    encode: async (payloads) => encrypting.encode(await compressing.encode(payloads)),
    decode: async (payloads) => compressing.decode(await encrypting.decode(payloads)),
  };
}
