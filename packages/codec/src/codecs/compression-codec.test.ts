import { gzipSync, zstdCompressSync } from 'node:zlib';
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import proto from '@temporalio/proto';
import fc from 'fast-check';
import { anyPayload, jsonPayload, plain } from '../testing/payloads.ts';
import { createCompressionCodec } from './compression-codec.ts';

const codec = createCompressionCodec();
const encode = (payload: Parameters<typeof plain>[0]) =>
  proto.temporal.api.common.v1.Payload.encode(payload).finish();
const compressed = (encoding: string, data: Uint8Array) => ({
  metadata: { encoding: Buffer.from(encoding) },
  data,
});

describe('compression', () => {
  test('gives back any payload', async () => {
    const eager = createCompressionCodec({ minBytes: 0 });
    await fc.assert(
      fc.asyncProperty(fc.array(anyPayload, { maxLength: 3 }), async (payloads) => {
        expect((await eager.decode(await eager.encode(payloads))).map(plain)).toEqual(payloads.map(plain));
      }),
    );
  });

  test.each([2000, 40_000])(
    'makes text of %d bytes smaller, and keeps its metadata inside',
    async (length) => {
      const payload = jsonPayload('notification '.repeat(length / 13));
      const [small] = await codec.encode([payload]);
      expect(Object.keys(small?.metadata ?? {})).toEqual(['encoding']);
      expect(Buffer.from(small?.metadata?.['encoding'] ?? []).toString()).toBe('binary/zstd');
      expect(small?.data?.length).toBeLessThan(length / 10);
      expect((await codec.decode(small === undefined ? [] : [small])).map(plain)).toEqual([plain(payload)]);
    },
  );

  test.each([
    ['is small', jsonPayload('x'.repeat(1000))],
    [
      'does not get smaller',
      { metadata: { encoding: Buffer.from('binary/plain') }, data: randomBytes(5000) },
    ],
  ])('leaves what %s as it is', async (_, payload) => {
    const [same] = await codec.encode([payload]);
    expect(same).toBe(payload);
  });

  test('leaves what it could not read again as it is', async () => {
    const payload = jsonPayload('x'.repeat(3000));
    const size = encode(payload).length;
    const encodingsAt = async (maxInflatedBytes: number) => {
      const capped = createCompressionCodec({ maxInflatedBytes });
      const encoded = await capped.encode([payload]);
      expect((await capped.decode(encoded)).map(plain)).toEqual([plain(payload)]);
      return encoded.map(({ metadata }) => Buffer.from(metadata?.['encoding'] ?? []).toString());
    };
    await expect(encodingsAt(size - 1)).resolves.toEqual(['json/plain']);
    await expect(encodingsAt(size)).resolves.toEqual(['binary/zstd']);
    await expect(encodingsAt(size + 1)).resolves.toEqual(['binary/zstd']);
  });

  test.each(['binary/zstd', 'binary/gzip'])('refuses %s that it could not read again', async (encoding) => {
    const capped = createCompressionCodec({ maxInflatedBytes: 1000 });
    const large = compressed(encoding, randomBytes(1000));
    await expect(capped.encode([large])).rejects.toMatchObject({ code: 'CODEC_TOO_LARGE' });
  });

  test.each([
    { minBytes: -1 },
    { minBytes: Number.NaN },
    { minBytes: Number.POSITIVE_INFINITY },
    { maxInflatedBytes: 0 },
    { maxInflatedBytes: Number.NaN },
    { maxInflatedBytes: Number.POSITIVE_INFINITY },
  ])('is not created with %p', (options) => {
    expect(() => createCompressionCodec(options)).toThrow(
      expect.objectContaining({ code: 'CODEC_OPTIONS_INVALID' }),
    );
  });

  test('reads gzip as well, and passes everything else on', async () => {
    const payload = jsonPayload('value');
    const decoded = await codec.decode([compressed('binary/gzip', gzipSync(encode(payload))), payload, {}]);
    expect(decoded.map(plain)).toEqual([payload, payload, {}].map(plain));
  });

  test.each([
    ['binary/zstd', zstdCompressSync],
    ['binary/gzip', gzipSync],
  ])('refuses %s that would be too large', async (encoding, pack) => {
    const bomb = compressed(encoding, pack(encode({ data: Buffer.alloc(2_000_000) })));
    expect(bomb.data.length).toBeLessThan(4000);
    const careful = createCompressionCodec({ maxInflatedBytes: 1_000_000 });
    await expect(careful.decode([bomb])).rejects.toMatchObject({ code: 'CODEC_TOO_LARGE' });
    await expect(codec.decode([bomb])).resolves.toHaveLength(1);
  });

  test.each([
    ['truncated', compressed('binary/zstd', zstdCompressSync(Buffer.from('some text')).subarray(0, -3))],
    ['of another kind', compressed('binary/zstd', gzipSync(Buffer.from('some text')))],
    [
      'two frames',
      compressed(
        'binary/zstd',
        Buffer.concat([0, 1].map(() => zstdCompressSync(encode(jsonPayload('value'))))),
      ),
    ],
    [
      'truncated in noise',
      compressed('binary/zstd', zstdCompressSync(encode({ data: randomBytes(300_000) })).subarray(0, -1)),
    ],
    ['nothing, compressed', compressed('binary/zstd', zstdCompressSync(Buffer.alloc(0)))],
    ['nothing, in gzip', compressed('binary/gzip', gzipSync(Buffer.alloc(0)))],
    ['empty', compressed('binary/zstd', Buffer.alloc(0))],
    ['no payload inside', compressed('binary/gzip', gzipSync(Buffer.from([0x0a, 0xff])))],
  ])('refuses what is %s', async (_, payload) => {
    await expect(codec.decode([payload])).rejects.toMatchObject({ code: 'CODEC_CORRUPT' });
  });
});
