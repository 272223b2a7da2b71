/** The codes of {@link CodecError}. */
export type CodecErrorCode =
  /** No key of that id is known for that domain. */
  | 'CODEC_KEY_UNKNOWN'
  /** The source of the key did not answer. */
  | 'CODEC_KEY_UNAVAILABLE'
  /** The source of the key answered, and does not give it: no such key, no permission, or made for something else. */
  | 'CODEC_KEY_REFUSED'
  | 'CODEC_KEYS_INVALID'
  /** This process may only decrypt. */
  | 'CODEC_DECODE_ONLY'
  /** An option of a codec or of its plugin cannot be used. */
  | 'CODEC_OPTIONS_INVALID'
  /** Changed, truncated, or encrypted with another key, namespace or domain than it says. */
  | 'CODEC_CORRUPT'
  /** Encrypted for another namespace. */
  | 'CODEC_NAMESPACE_FOREIGN'
  /** A plain payload where only encrypted ones are accepted. */
  | 'CODEC_PLAIN_REFUSED'
  /** It would be larger than allowed once it is decompressed. */
  | 'CODEC_TOO_LARGE'
  /** The store of large payloads, or the register of who uses them, did not answer or did not take it. */
  | 'CODEC_CLAIMS_UNAVAILABLE'
  /** The store of large payloads has no object of that name. */
  | 'CODEC_CLAIM_MISSING'
  /** A reference to a large payload that no claim check of ours wrote. */
  | 'CODEC_CLAIM_INVALID'
  /** A workflow bundle that would store failures in clear. */
  | 'CODEC_BUNDLE_UNFIT';

/** Thrown by codecs and key rings. Messages name key ids, domains and sizes; never a key or a payload. */
export class CodecError extends Error {
  override readonly name = 'CodecError';
  readonly code: CodecErrorCode;
  /** Whether the same call may pass later. */
  readonly retryable: boolean;
  /** The key that it is about, where there is one. */
  readonly keyId: string | null;

  constructor(
    code: CodecErrorCode,
    message: string,
    options: { readonly keyId?: string; readonly retryable?: boolean } = {},
  ) {
    super(message);
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.keyId = options.keyId ?? null;
  }
}

/** Tells a {@link CodecError} by its shape, which also holds across copies of this package. */
export function isCodecError(error: unknown): error is CodecError {
  return error instanceof Error && error.name === 'CodecError' && 'code' in error && 'retryable' in error;
}
