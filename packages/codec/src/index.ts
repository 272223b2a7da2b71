export { CodecError, isCodecError, type CodecErrorCode } from './contract/errors.ts';
export { COMPRESSED, ENCRYPTED, FORMAT, GZIPPED, METADATA } from './contract/metadata.ts';
