import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { WireRequest } from './http-double.ts';

/** Credentials that a service knows. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

/**
 * Checks AWS Signature Version 4 of a request as AWS documents it: null if it is good, otherwise the name of the error that
 * AWS answers.
 */
export function sigV4Problem(
  { method, url, headers, bytes }: WireRequest,
  { accessKeyId, secretAccessKey }: Credentials,
  { region, service, now }: { readonly region: string; readonly service: 'kms' | 's3'; readonly now: number },
): string | null {
  const given =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    );
  if (given === null) return 'MissingAuthenticationTokenException';
  const [, keyId = '', scope = '', signedHeaders = '', signature = ''] = given;
  if (keyId !== accessKeyId) return 'UnrecognizedClientException';
  const time = headerOf(headers, 'x-amz-date');
  const day = time.slice(0, 8);
  const names = signedHeaders.split(';');
  const isS3 = service === 's3';
  const isCovered = ['host', 'x-amz-date', isS3 ? 'x-amz-content-sha256' : 'x-amz-target'].every((name) =>
    names.includes(name),
  );
  // S3 is told the digest of the body, in a header that is signed.
  if (isS3 && headerOf(headers, 'x-amz-content-sha256') !== sha256(bytes)) return 'XAmzContentSHA256Mismatch';
  if (!isCovered || scope !== `${day}/${region}/${service}/aws4_request`) return 'InvalidSignatureException';
  const at = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (!(Math.abs(now - at) < 300_000)) return 'InvalidSignatureException';
  const [path = '', search = ''] = url.split('?');
  const query = search.split('&').toSorted().join('&');
  const canonicalHeaders = names.map((name) => `${name}:${headerOf(headers, name).trim()}\n`).join('');
  const request = [method, path, query, canonicalHeaders, signedHeaders, sha256(bytes)].join('\n');
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256(request)].join('\n');
  const signingKey = [day, region, service, 'aws4_request'].reduce<Buffer | string>(
    hmac,
    `AWS4${secretAccessKey}`,
  );
  const isGood = timingSafeEqual(hmac(signingKey, text), Buffer.from(signature, 'hex'));
  return isGood ? null : 'InvalidSignatureException';
}

function headerOf(headers: WireRequest['headers'], name: string): string {
  const value = headers[name] ?? '';
  return Array.isArray(value) ? value.join(',') : value;
}
