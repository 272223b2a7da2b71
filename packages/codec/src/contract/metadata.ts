/**
 * Metadata of encoded payloads. The first two names and the value are those of Temporal's official samples and of
 * Temporal Proxy, so that their tools recognise what we encrypt; the others make an envelope of this package.
 */
export const METADATA = {
  encoding: 'encoding',
  keyId: 'encryption-key-id',
  /** The wrapped data key, where the key is one of a key management service. */
  wrappedKey: 'encryption-dek',
  format: 'encryption-format',
  namespace: 'encryption-namespace',
  domain: 'encryption-domain',
} as const;

/** `encoding` of an encrypted payload. */
export const ENCRYPTED = 'binary/encrypted';
/** `encoding` of a payload that was compressed with zstd. */
export const COMPRESSED = 'binary/zstd';
/** `encoding` of a payload that was compressed with gzip. It is decoded, never written. */
export const GZIPPED = 'binary/gzip';

/** The format of an envelope whose metadata are authenticated; the official samples have none. */
export const FORMAT = 'heliograph/1';
