import { createHash } from 'node:crypto';
import { type HttpDouble, startHttpDouble, type WireAnswer, type WireRequest } from './http-double.ts';
import { type Credentials, sigV4Problem } from './verify-sigv4.ts';

/** S3 on this machine, with one bucket. */
export interface S3Double extends HttpDouble {
  readonly objects: Map<string, Uint8Array>;
  /** The clock of the service, in milliseconds since 1970. */
  clock: () => number;
}

/**
 * Starts a double of S3: PutObject with `If-None-Match: *` and `If-Match`, GetObject, DeleteObject and ListObjectsV2 of one
 * bucket, in the path style, for requests that are signed with the credentials, with the errors of the service.
 * `tools/system` compares it with moto.
 */
export async function startS3Double(
  { region, bucket }: { readonly region: string; readonly bucket: string },
  credentials: Credentials,
): Promise<S3Double> {
  const objects = new Map<string, Uint8Array>();
  const respond = (request: WireRequest): WireAnswer => {
    const problem = sigV4Problem(request, credentials, { region, service: 's3', now: double.clock() });
    if (problem === 'UnrecognizedClientException') return refuseAsS3(403, 'InvalidAccessKeyId');
    if (problem === 'XAmzContentSHA256Mismatch') return refuseAsS3(400, problem);
    if (problem !== null) return refuseAsS3(403, 'SignatureDoesNotMatch');
    const url = new URL(request.url, 'http://s3');
    const [, name, ...rest] = url.pathname.split('/').map(decodeURIComponent);
    if (name !== bucket) return refuseAsS3(404, 'NoSuchBucket');
    const key = rest.join('/');
    if (request.method === 'GET' && key === '') return list(objects, bucket, url.searchParams);
    switch (request.method) {
      case 'PUT':
        return put(objects, key, request);
      case 'GET':
        return read(objects.get(key));
      case 'DELETE':
        objects.delete(key);
        return { status: 204, body: '' };
      default:
        return refuseAsS3(405, 'MethodNotAllowed');
    }
  };
  const double: S3Double = Object.assign(await startHttpDouble(respond), {
    objects,
    clock: () => Date.now(),
  });
  return double;
}

function put(objects: Map<string, Uint8Array>, key: string, { headers, bytes }: WireRequest): WireAnswer {
  const current = objects.get(key);
  const { 'if-none-match': ifNoneMatch, 'if-match': ifMatch } = headers;
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') return refuseAsS3(501, 'NotImplemented');
  if (ifNoneMatch === '*' && current !== undefined) return refuseAsS3(412, 'PreconditionFailed');
  if (ifMatch !== undefined && current === undefined) return refuseAsS3(404, 'NoSuchKey');
  if (ifMatch !== undefined && current !== undefined && etagOf(current) !== ifMatch)
    return refuseAsS3(412, 'PreconditionFailed');
  objects.set(key, Uint8Array.from(bytes));
  return { status: 200, body: '', headers: { etag: etagOf(bytes) } };
}

function read(bytes: Uint8Array | undefined): WireAnswer {
  if (bytes === undefined) return refuseAsS3(404, 'NoSuchKey');
  return {
    status: 200,
    body: '',
    bytes,
    headers: {
      etag: etagOf(bytes),
      'content-length': String(bytes.length),
      'content-type': 'binary/octet-stream',
    },
  };
}

function list(objects: ReadonlyMap<string, Uint8Array>, bucket: string, query: URLSearchParams): WireAnswer {
  const [prefix, after] = [query.get('prefix') ?? '', query.get('start-after') ?? ''];
  if (query.get('list-type') !== '2') return refuseAsS3(501, 'NotImplemented');
  const max = Math.min(Number(query.get('max-keys') ?? 1000), 1000);
  const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).toSorted();
  const contents = keys.slice(0, max).map((key) => `<Contents><Key>${key}</Key></Contents>`);
  return {
    status: 200,
    body: `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>${bucket}</Name><IsTruncated>${keys.length > max}</IsTruncated>${contents.join('')}</ListBucketResult>`,
    headers: { 'content-type': 'application/xml' },
  };
}

function etagOf(bytes: Uint8Array): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`;
}

/** An error of S3; its text names an account, as real ones do. */
export function refuseAsS3(status: number, code: string): WireAnswer {
  return {
    status,
    body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>arn:aws:iam::111122223333:user/eve</Message></Error>`,
    headers: { 'content-type': 'application/xml', 'x-amz-request-id': 'f00d' },
  };
}
