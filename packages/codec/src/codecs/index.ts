export { CodecError, isCodecError, type CodecErrorCode } from '../contract/errors.ts';
export { type CodecKey, createKey } from '../keys/codec-key.ts';
export { createKeyRing, type DomainKeys, type KeyRing } from '../keys/key-ring.ts';
export {
  createEnvelopeKeyRing,
  type EnvelopeKeyRing,
  type EnvelopeKeyRingOptions,
  type EnvelopeKeys,
} from '../keys/envelope-key-ring.ts';
export { type DataKey, type EnvelopeKeySource, type KeyBinding } from '../keys/envelope-key-source.ts';
export { rewrapDataKey, type RewrapRequest } from '../keys/rewrap-data-key.ts';
export { parseDomainKeys, parseKeyRing } from '../keys/parse-key-ring.ts';
export { type KeyFile, type KeyFileOptions, watchKeyFile } from '../keys/watch-key-file.ts';
export { type CompressionOptions, createCompressionCodec } from './compression-codec.ts';
export { type Codec, type CodecOptions, createCodec, type DecodeOutcome } from './create-codec.ts';
export { createEncryptionCodec, type EncryptionOptions } from './encryption-codec.ts';
export { type Envelope, readEnvelope } from './envelope.ts';
export { type CodecPlugin, createCodecPlugin, FAILURE_CONVERTER_PATH } from '../plugin/codec-plugin.ts';
export {
  type CodecMetrics,
  type CounterMeter,
  createCodecMetrics,
  type KeyOperation,
} from '../telemetry/codec-metrics.ts';
