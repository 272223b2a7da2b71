import { CodecError, isCodecError } from '../../contract/errors.ts';
import { parseSecureUrl } from '../../keys/secure-url.ts';
import { isClaimName } from '../claim-name.ts';
import type { ObjectStore } from '../object-store.ts';
import { assertSize, nameOfError } from './store-error.ts';

/** Options of {@link createS3Store}. */
export interface S3StoreOptions {
  readonly bucket: string;
  /** In front of every name, for example `claims/`; default nothing. */
  readonly prefix?: string;
  /** Region; default the one that the SDK finds. */
  readonly region?: string;
  /** Address of the service, for example of a VPC endpoint; default that of the region. Buckets are then in the path. */
  readonly endpoint?: string;
}

/**
 * Stores objects in a bucket of S3, or of a service that is compatible and supports conditional writes (`If-None-Match`,
 * `If-Match`). It needs `s3:PutObject`, `s3:GetObject`, `s3:ListBucket` and `s3:DeleteObject`. Encryption at rest and
 * versions are the bucket's own affair; a lifecycle rule must not delete objects, which is the collector's task. Credentials
 * come from the SDK's own chain.
 *
 * `@aws-sdk/client-s3` is loaded here, and nowhere else; install it beside this package.
 *
 * @throws CodecError CODEC_OPTIONS_INVALID for options that cannot be used, a region that is missing, or if the SDK is not
 *   installed.
 */
export async function createS3Store(options: S3StoreOptions): Promise<ObjectStore> {
  const { bucket, prefix = '', region, endpoint } = options;
  assertNames(bucket, prefix);
  const url = endpoint === undefined ? null : readEndpoint(endpoint);
  const sdk = await loadSdk();
  const client = new sdk.S3Client({
    ...(region === undefined ? {} : { region }),
    ...(url === null ? {} : { endpoint: url.href, forcePathStyle: true }),
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 1000, requestTimeout: 15_000, throwOnRequestTimeout: true },
  });
  await client.config.region().catch(() => {
    throw new CodecError(
      'CODEC_OPTIONS_INVALID',
      'The AWS region of an S3 store is not known. Set AWS_REGION.',
    );
  });
  const placeOf = (name: string) => ({ Bucket: bucket, Key: `${prefix}${name}` });
  return {
    type: 's3',
    put: (name, bytes, abortSignal) =>
      unlessRefused('store an object', ['PreconditionFailed'], async () => {
        await client.send(new sdk.PutObjectCommand({ ...placeOf(name), Body: bytes, IfNoneMatch: '*' }), {
          abortSignal,
        });
        return true;
      }).then((isStored) => isStored ?? false),
    get: (name, maxBytes, abortSignal) =>
      unlessRefused('read an object', ['NoSuchKey'], async () => {
        const { Body, ContentLength, ETag } = await client.send(new sdk.GetObjectCommand(placeOf(name)), {
          abortSignal,
        });
        if (Body === undefined || ContentLength === undefined || ETag === undefined) throw new TypeError();
        try {
          assertSize(name, ContentLength, maxBytes);
        } catch (error) {
          await Body.transformToWebStream().cancel();
          throw error;
        }
        return { bytes: await Body.transformToByteArray(), version: ETag };
      }),
    replace: (name, { bytes, version }, abortSignal) =>
      unlessRefused('replace an object', ['PreconditionFailed', 'NoSuchKey'], async () => {
        await client.send(new sdk.PutObjectCommand({ ...placeOf(name), Body: bytes, IfMatch: version }), {
          abortSignal,
        });
        return true;
      }).then((isReplaced) => isReplaced ?? false),
    remove: async (name, abortSignal) => {
      await unlessRefused('delete an object', [], () =>
        client.send(new sdk.DeleteObjectCommand(placeOf(name)), { abortSignal }),
      );
    },
    list: async ({ after, limit }, abortSignal) => {
      const found: string[] = [];
      let last = after;
      for (;;) {
        const page = await unlessRefused('list objects', [], () =>
          client.send(
            new sdk.ListObjectsV2Command({
              Bucket: bucket,
              Prefix: prefix,
              MaxKeys: Math.min(limit, 1000),
              ...(last === null ? {} : { StartAfter: `${prefix}${last}` }),
            }),
            { abortSignal },
          ),
        );
        const names = (page?.Contents ?? []).map(({ Key = '' }) => Key.slice(prefix.length));
        found.push(...names.filter(isClaimName));
        last = names.at(-1) ?? last;
        // What others keep in the bucket may fill a page.
        if (found.length > 0 || page?.IsTruncated !== true) return found.slice(0, limit);
      }
    },
  };
}

function assertNames(bucket: string, prefix: string): void {
  const isUsable = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) && /^[\w./-]{0,256}$/.test(prefix);
  if (!isUsable)
    throw new CodecError(
      'CODEC_OPTIONS_INVALID',
      'The options of an S3 store need the name of a bucket, and a prefix of letters, digits and ._/- at most.',
    );
}

function readEndpoint(endpoint: string): URL {
  try {
    return parseSecureUrl(endpoint, 's3');
  } catch {
    throw new CodecError(
      'CODEC_OPTIONS_INVALID',
      'The endpoint of an S3 store has to be an https URL without a password, or http on this machine.',
    );
  }
}

async function loadSdk(): Promise<typeof import('@aws-sdk/client-s3')> {
  try {
    return await import('@aws-sdk/client-s3');
  } catch {
    throw new CodecError(
      'CODEC_OPTIONS_INVALID',
      '@aws-sdk/client-s3 cannot be loaded. Install it to store large payloads in S3.',
    );
  }
}

/**
 * Sends a request; null for an error of these names. The text of an AWS error names accounts and keys, so only its name is
 * passed on.
 *
 * @throws CodecError CODEC_CLAIMS_UNAVAILABLE
 */
async function unlessRefused<T>(
  what: string,
  answers: readonly string[],
  run: () => Promise<T>,
): Promise<T | null> {
  try {
    return await run();
  } catch (error) {
    if (isCodecError(error)) throw error;
    const name = nameOfS3Error(error);
    if (answers.includes(name)) return null;
    throw new CodecError('CODEC_CLAIMS_UNAVAILABLE', `S3 could not ${what} (${name}).`, { retryable: true });
  }
}

/** S3 names its errors; `code` is only there for those of the connection. */
function nameOfS3Error(error: unknown): string {
  const name = error instanceof Error && /^\w{1,64}$/.test(error.name) ? error.name : 'Error';
  return name === 'Error' ? nameOfError(error) : name;
}
