import { CodecError } from '../contract/errors.ts';
import { assertKeyId } from './codec-key.ts';
import type { EnvelopeKeySource, KeyBinding } from './envelope-key-source.ts';
import { parseSecureUrl } from './secure-url.ts';

/** Options of {@link createAwsKmsSource}. */
export interface AwsKmsOptions {
  /** Id that payloads name, for example `kms-2026`; see `EnvelopeKeySource`. */
  readonly id: string;
  /**
   * ARN, id or alias of a symmetric KMS key. AWS may rotate its material; but an alias that is pointed to another key
   * leaves old payloads unreadable, so give another key another source, with another id.
   */
  readonly keyId: string;
  /** Region; default that of the ARN, otherwise the one that the SDK finds. */
  readonly region?: string;
  /** Address of the service, for example of a VPC endpoint; default that of the region. */
  readonly endpoint?: string;
}

/**
 * Wraps data keys with a key of AWS KMS. The encryption context is `{ namespace, domain }`, so that a key policy can limit
 * a role to a domain (`kms:EncryptionContext:domain`). It needs `kms:GenerateDataKey` to encrypt, `kms:Decrypt` to
 * decrypt, and `kms:ReEncryptFrom` and `kms:ReEncryptTo` to wrap data keys anew (`kms:Encrypt` for those of another
 * service or region). Credentials come from the SDK's own chain.
 *
 * `@aws-sdk/client-kms` is loaded here, and nowhere else; install it beside this package.
 *
 * @throws {CodecError} CODEC_KEYS_INVALID for options that cannot be used, a region that is missing, or if the SDK is not
 *   installed.
 */
export async function createAwsKmsSource(options: AwsKmsOptions): Promise<EnvelopeKeySource> {
  const { id, keyId, endpoint } = options;
  assertKeyId(id);
  const region = options.region ?? /^arn:[\w-]+:kms:([\w-]+):/.exec(keyId)?.[1];
  const url = endpoint === undefined ? null : parseSecureUrl(endpoint, id);
  const { DecryptCommand, EncryptCommand, GenerateDataKeyCommand, KMSClient, ReEncryptCommand } =
    await loadSdk(id);
  const client = new KMSClient({
    ...(region === undefined ? {} : { region }),
    ...(url === null ? {} : { endpoint: url.href }),
    // Within the ring's deadline there is room for a second attempt after one that hangs.
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 1000, requestTimeout: 2000, throwOnRequestTimeout: true },
  });
  const used = await client.config.region().catch(() => {
    throw new CodecError('CODEC_KEYS_INVALID', `Key ${id}: its AWS region is not known. Set AWS_REGION.`, {
      keyId: id,
    });
  });
  const source: EnvelopeKeySource = {
    id,
    async generateDataKey(binding, signal) {
      const command = new GenerateDataKeyCommand({
        KeyId: keyId,
        KeySpec: 'AES_256',
        EncryptionContext: contextOf(binding),
      });
      const { Plaintext, CiphertextBlob } = await client
        .send(command, { abortSignal: signal })
        .catch((error: unknown) => fail(id, error));
      if (Plaintext === undefined || CiphertextBlob === undefined) return fail(id, null);
      return { plaintext: Plaintext, wrapped: CiphertextBlob };
    },
    async unwrapDataKey(wrapped, binding, signal) {
      // With the key: KMS would use any key that the wrapped one names, also an attacker's.
      const command = new DecryptCommand({
        KeyId: keyId,
        CiphertextBlob: wrapped,
        EncryptionContext: contextOf(binding),
      });
      const { Plaintext } = await client
        .send(command, { abortSignal: signal })
        .catch((error: unknown) => fail(id, error));
      return Plaintext ?? fail(id, null);
    },
    // KMS shows no version, and keeps every one as long as the key: wrapping anew would free nothing.
    wrappingVersion: () => null,
    async wrapDataKey(plaintext, binding, signal) {
      const command = new EncryptCommand({
        KeyId: keyId,
        Plaintext: plaintext,
        EncryptionContext: contextOf(binding),
      });
      const { CiphertextBlob } = await client
        .send(command, { abortSignal: signal })
        .catch((error: unknown) => fail(id, error));
      return CiphertextBlob ?? fail(id, null);
    },
    async rewrapDataKey(wrapped, from, binding, signal) {
      const other = keysOfSources.get(from);
      if (other?.region !== used || other.endpoint !== endpoint) return null;
      const command = new ReEncryptCommand({
        CiphertextBlob: wrapped,
        SourceKeyId: other.keyId,
        SourceEncryptionContext: contextOf(binding),
        DestinationKeyId: keyId,
        DestinationEncryptionContext: contextOf(binding),
      });
      const { CiphertextBlob } = await client
        .send(command, { abortSignal: signal })
        .catch((error: unknown) => fail(id, error));
      return CiphertextBlob ?? fail(id, null);
    },
  };
  keysOfSources.set(source, { keyId, region: used, endpoint });
  return source;
}

/** The keys of our own sources: KMS wraps anew what another of its keys in the same region wrapped. */
const keysOfSources = new WeakMap<
  EnvelopeKeySource,
  { readonly keyId: string; readonly region: string; readonly endpoint: string | undefined }
>();

async function loadSdk(id: string): Promise<typeof import('@aws-sdk/client-kms')> {
  try {
    return await import('@aws-sdk/client-kms');
  } catch {
    throw new CodecError(
      'CODEC_KEYS_INVALID',
      `Key ${id}: @aws-sdk/client-kms cannot be loaded. Install it to use keys of AWS KMS.`,
      { keyId: id },
    );
  }
}

function contextOf({ namespace, domain }: KeyBinding): Record<string, string> {
  return { namespace, domain };
}

/** Errors after which asking again does not help; for the others, time or new credentials may. */
const REFUSALS: Readonly<Record<string, string>> = {
  AccessDeniedException: 'this process may not use the key for this namespace and domain',
  NotFoundException: 'there is no such key',
  DisabledException: 'the key is disabled',
  InvalidCiphertextException:
    'the wrapped data key was changed, or was made for another namespace, domain or key',
  IncorrectKeyException: 'the data key was wrapped by another key',
  InvalidKeyUsageException: 'the key does not encrypt',
  InvalidArnException: 'the ARN of the key is not valid',
  UnsupportedOperationException: 'the key does not support it',
  ValidationException: 'the request is not valid',
};

/** The text of an AWS error names accounts and roles, so only its name is passed on. */
function fail(id: string, error: unknown): never {
  const name = error instanceof Error && /^\w{1,64}$/.test(error.name) ? error.name : 'no answer';
  const reason = Object.hasOwn(REFUSALS, name) ? REFUSALS[name] : undefined;
  if (reason !== undefined)
    throw new CodecError('CODEC_KEY_REFUSED', `Key ${id} of AWS KMS is refused: ${reason} (${name}).`, {
      keyId: id,
    });
  throw new CodecError('CODEC_KEY_UNAVAILABLE', `Key ${id}: AWS KMS is not available (${name}).`, {
    keyId: id,
    retryable: true,
  });
}
