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
  /** Name of the object that holds the envelope, where it is, or was, outside of the history. */
  claim: 'encryption-claim',
} as const;

/** `encoding` of an encrypted payload. */
export const ENCRYPTED = 'binary/encrypted';
/** `encoding` of a payload that was compressed with zstd. */
export const COMPRESSED = 'binary/zstd';
/** `encoding` of a payload that was compressed with gzip. It is decoded, never written. */
export const GZIPPED = 'binary/gzip';

/** The format of an envelope whose metadata are authenticated; the official samples have none. */
export const FORMAT = 'heliograph/1';

/** `driverName` in references to large payloads of ours, in the format of the SDK's external storage. */
export const CLAIM_DRIVER = 'heliograph-claims';
/** `messageType` of references of the SDK's external storage, whose encoding is `json/protobuf`. */
export const REFERENCE_MESSAGE_TYPE = 'temporal.api.sdk.v1.ExternalStorageReference';
