import { dictionary } from '@heliograph/api-contract';
import type { Payload } from '@temporalio/common';
import proto from '@temporalio/proto';
import * as v from 'valibot';

const { ExternalPayloadDetails } = proto.temporal.api.common.v1.Payload;

/** Base64 as proto3 JSON reads it: both alphabets, with padding and without. */
const base64 = v.pipe(
  v.string(),
  v.check(
    (text) => /^[\w+/-]*={0,2}$/.test(text) && text.replace(/=+$/, '').length % 4 !== 1,
    'Expected base64.',
  ),
);
const sizeBytes = v.union([
  v.pipe(
    v.string(),
    v.regex(/^\d{1,19}$/, 'Expected a number of bytes.'),
    v.check(isInt64, 'Expected a number of bytes.'),
  ),
  v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
]);

/** A payload in proto3 JSON. Absent and null both mean empty; members that are newer than this server are kept. */
export const payloadJsonSchema = v.pipe(
  v.looseObject({
    metadata: v.optional(v.nullable(dictionary(v.string(), base64))),
    data: v.optional(v.nullable(base64)),
    externalPayloads: v.optional(
      v.nullable(v.array(v.looseObject({ sizeBytes: v.optional(v.nullable(sizeBytes)) }))),
    ),
  }),
  // To valibot, a list is an object as well.
  v.check((value) => !Array.isArray(value), 'Expected an object.'),
);

/** A payload as it comes and goes. */
export type PayloadJson = Readonly<v.InferOutput<typeof payloadJsonSchema>>;

/** A payload that is answered: always with both members, because the Temporal UI looks for both. */
export interface AnsweredPayload {
  readonly [name: string]: unknown;
  readonly metadata: { readonly [name: string]: string };
  readonly data: string;
}

/** Reads a payload out of its JSON form. */
export function readPayloadJson({ metadata, data, externalPayloads }: PayloadJson): Payload {
  return {
    metadata: Object.fromEntries(
      Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value, 'base64')]),
    ),
    data: Buffer.from(data ?? '', 'base64'),
    ...(externalPayloads === undefined || externalPayloads === null
      ? {}
      : {
          externalPayloads: externalPayloads.map((details) =>
            ExternalPayloadDetails.fromObject(withoutNull(details)),
          ),
        }),
  };
}

/** Writes a payload in its JSON form. */
export function writePayloadJson({ metadata, data, externalPayloads = [] }: Payload): AnsweredPayload {
  return {
    metadata: Object.fromEntries(
      Object.entries(metadata ?? {}).map(([name, value]) => [name, base64Of(value)]),
    ),
    data: base64Of(data ?? new Uint8Array()),
    ...(externalPayloads === null || externalPayloads.length === 0
      ? {}
      : { externalPayloads: externalPayloads.map((details) => ({ sizeBytes: String(details.sizeBytes) })) }),
  };
}

/** A payload that is given back as it came, with both keys. */
export function sameJson(json: PayloadJson): AnsweredPayload {
  return { ...json, metadata: json.metadata ?? {}, data: json.data ?? '' };
}

function isInt64(text: string): boolean {
  return /^\d{1,19}$/.test(text) && BigInt(text) < 2n ** 63n;
}

function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

function withoutNull({ sizeBytes: size }: { readonly sizeBytes?: string | number | null | undefined }) {
  return size === undefined || size === null ? {} : { sizeBytes: size };
}
