import { defineOperation, dictionary } from '@heliograph/api-contract';
import * as v from 'valibot';

/** The problem codes of payloads, by status, beyond those of the edge. */
const PROBLEMS = {
  400: [
    'PAYLOADS_INVALID',
    'NAMESPACE_REQUIRED',
    'DOMAIN_REQUIRED',
    'REFERENCE_REQUIRED',
    'CLAIM_STORE_ABSENT',
  ],
  403: ['ROLE_UNKNOWN', 'ACCESS_DENIED', 'ELEVATION_REQUIRED'],
  413: ['PAYLOADS_TOO_MANY', 'CODEC_TOO_LARGE'],
  422: [
    'CODEC_KEY_UNKNOWN',
    'CODEC_KEY_REFUSED',
    'CODEC_CORRUPT',
    'CODEC_NAMESPACE_FOREIGN',
    'CODEC_PLAIN_REFUSED',
    'CODEC_DECODE_ONLY',
    'CODEC_CLAIM_INVALID',
    'CODEC_CLAIM_MISSING',
  ],
  429: ['RATE_LIMITED'],
  503: ['CODEC_KEY_UNAVAILABLE', 'CODEC_CLAIMS_UNAVAILABLE', 'AUDIT_UNAVAILABLE'],
} as const;

const payloads = v.object({
  payloads: v.array(
    v.looseObject({
      metadata: v.pipe(dictionary(v.string(), v.string()), v.description('Values in base64.')),
      data: v.pipe(v.string(), v.description('Base64.')),
    }),
  ),
});

const query = v.object({
  preserveStorageRefs: v.optional(
    v.pipe(
      v.union([v.string(), v.array(v.string())]),
      v.description('`true`: references to stored payloads are given back as they are.'),
    ),
  ),
  strict: v.optional(
    v.pipe(
      v.picklist(['true', 'false']),
      v.description('`true`: one payload that is not given out refuses the whole request.'),
    ),
    'false',
  ),
});

/** Every authenticated caller may ask; the policy decides. */
export const CALLER_SCOPE = 'codec';

function payloadsOperation(name: 'decode' | 'encode' | 'download', summary: string) {
  return defineOperation({
    method: 'POST',
    path: `/${name}`,
    operationId: `${name}Payloads`,
    tags: ['payloads'],
    summary,
    description:
      'The wire of Temporal’s codec servers: `Payloads` in proto3 JSON in both directions, as many and in the same order. ' +
      'The path may stand behind any prefix.',
    scope: CALLER_SCOPE,
    query,
    body: payloads,
    responses: { 200: { description: 'The payloads.', schema: payloads } },
    problems: PROBLEMS,
  });
}

/** Temporal’s own wire. */
export const wireOperations = {
  decode: payloadsOperation('decode', 'Decrypt payloads'),
  encode: payloadsOperation('encode', 'Encrypt payloads'),
  download: payloadsOperation('download', 'Fetch stored payloads and decrypt them'),
};
