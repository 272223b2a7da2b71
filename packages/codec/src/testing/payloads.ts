import { gzipSync } from 'node:zlib';
import type { Payload } from '@temporalio/common';
import fc from 'fast-check';

const bytes = (maxLength: number) => fc.uint8Array({ maxLength });

const anyMetadata = fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 20 }), bytes(40), {
  noNullPrototype: true,
});
/** Encodings that payloads have before they are encoded, those that a codec itself writes among them. */
const anyEncoding = fc
  .constantFrom('json/plain', 'binary/zstd', 'binary/gzip', 'binary/encrypted')
  .map((encoding) => ({ encoding: Uint8Array.from(Buffer.from(encoding)) }));

/** Any payload: no metadata, strange names, any encoding, no data, and data of up to 2,000 bytes. */
export const anyPayload: fc.Arbitrary<Payload> = fc.record({
  metadata: fc
    .tuple(anyMetadata, fc.option(anyEncoding, { nil: {} }))
    .map(([metadata, encoding]) => ({ ...metadata, ...encoding })),
  data: fc.oneof(
    bytes(2000),
    bytes(500).map((data) => new Uint8Array(gzipSync(data))),
  ),
});

/** A payload as the SDK makes it of a value. */
export function jsonPayload(value: unknown): Payload {
  const encoder = new TextEncoder();
  return {
    metadata: { encoding: encoder.encode('json/plain') },
    data: encoder.encode(JSON.stringify(value)),
  };
}

/** A payload that two others can be compared with, whatever kind of byte array they hold. */
export function plain({ metadata, data }: Payload): object {
  return {
    metadata: Object.fromEntries(
      Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
    ),
    data: Buffer.from(data ?? []).toString('base64'),
  };
}
