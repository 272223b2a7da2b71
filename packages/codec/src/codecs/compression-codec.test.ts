import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import proto from '@temporalio/proto';
import fc from 'fast-check';
import { anyPayload, jsonPayload, plain } from '../testing/payloads.ts';
import { createCompressionCodec } from './compression-codec.ts';

/** As a writer makes them that streams. */
const UNSIZED = { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } };
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

  test.each([
    ['binary/zstd', 1000],
    ['binary/gzip', 1000],
    ['binary/zstd', 400_000],
    ['binary/gzip', 400_000],
  ])('gives back %s of %d bytes that is above its limits', async (encoding, size) => {
    const large = compressed(encoding, randomBytes(size));
    for (const limits of [{ maxInflatedBytes: 999 }, { maxInflatedBytesPerCall: 999 }]) {
      const capped = createCompressionCodec(limits);
      expect((await capped.decode(await capped.encode([large]))).map(plain)).toEqual([plain(large)]);
    }
  });

  test('compresses no more of a call than it reads again', async () => {
    const payload = jsonPayload('x'.repeat(30_000));
    const size = encode(payload).length;
    const capped = createCompressionCodec({ maxInflatedBytesPerCall: 3 * size });
    const encoded = await capped.encode(Array.from({ length: 5 }, () => payload));
    expect(encoded.map(({ metadata }) => Buffer.from(metadata?.['encoding'] ?? []).toString())).toEqual([
      ...Array.from({ length: 3 }, () => 'binary/zstd'),
      'json/plain',
      'json/plain',
    ]);
    expect((await capped.decode(encoded)).map(plain)).toEqual(encoded.map(() => plain(payload)));
  });

  test('gives back whatever it encoded in one call, whatever its limits are', async () => {
    const packed = fc
      .tuple(fc.constantFrom('binary/zstd', 'binary/gzip'), fc.nat(3000), fc.nat(255))
      .map(([encoding, size, byte]) => compressed(encoding, gzipSync(Buffer.alloc(size, byte))));
    const text = fc.nat(3000).map((length) => jsonPayload('y'.repeat(length)));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(packed, text, anyPayload), { maxLength: 6 }),
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 5000 }),
        async (payloads, maxInflatedBytes, maxInflatedBytesPerCall) => {
          const capped = createCompressionCodec({ minBytes: 0, maxInflatedBytes, maxInflatedBytesPerCall });
          expect((await capped.decode(await capped.encode(payloads))).map(plain)).toEqual(
            payloads.map(plain),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  test.each([
    { minBytes: -1 },
    { minBytes: Number.NaN },
    { minBytes: Number.POSITIVE_INFINITY },
    { maxInflatedBytes: 0 },
    { maxInflatedBytes: Number.NaN },
    { maxInflatedBytes: Number.POSITIVE_INFINITY },
    { maxInflatedBytesPerCall: 0 },
    { maxInflatedBytesPerCall: Number.NaN },
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
    ['binary/zstd', zstdCompressSync],
    ['binary/zstd', (data: Uint8Array) => zstdCompressSync(data, UNSIZED)],
    ['binary/gzip', gzipSync],
  ])(
    'refuses 10,000 small bombs of %s, and takes no more memory than for the limit',
    async (encoding, pack) => {
      const one = compressed(encoding, pack(encode({ data: Buffer.alloc(1_000_000) })));
      const bombs = Array.from({ length: 10_000 }, () => one);
      const before = process.memoryUsage().arrayBuffers;
      let most = 0;
      const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().arrayBuffers)), 1);
      await expect(codec.decode(bombs)).rejects.toMatchObject({
        code: 'CODEC_TOO_LARGE',
        message: expect.stringContaining('in one call'),
      });
      clearInterval(watch);
      expect(most).toBeGreaterThan(0);
      // 128 MiB of payloads, and what is on its way to them.
      expect(most - before).toBeLessThan(300_000_000);
    },
    60_000,
  );

  test('reads as many payloads in one call as its limit says', async () => {
    const payload = { metadata: { encoding: Buffer.from('a') }, data: Buffer.alloc(10_000) };
    const one = compressed('binary/gzip', gzipSync(encode(payload)));
    const growth = encode(payload).length - one.data.length;
    const tight = createCompressionCodec({ maxInflatedBytesPerCall: 4 * growth });
    await expect(tight.decode([one, one, one, one])).resolves.toHaveLength(4);
    await expect(tight.decode([one, one, one, one, one])).rejects.toMatchObject({ code: 'CODEC_TOO_LARGE' });
    await expect(tight.decode([one])).resolves.toHaveLength(1);
  });

  test('counts the memory of what it decompresses, before it is there, and keeps to what is refused', async () => {
    const payload = jsonPayload('x'.repeat(50_000));
    const size = encode(payload).length;
    let held = 0;
    let most = 0;
    const counting = createCompressionCodec({
      maxInflatedBytes: 80_000,
      hold: {
        take: (bytes) => {
          if (held + bytes > 150_000) throw new RangeError('too much');
          held += bytes;
          most = Math.max(most, held);
        },
        release: (bytes) => void (held -= bytes),
      },
    });
    const [sized] = await codec.encode([payload]);
    await counting.decode([sized ?? {}]);
    expect([held, most]).toEqual([size, size]);
    // How large it gets is not known before.
    const unsized = compressed('binary/zstd', zstdCompressSync(encode(payload), UNSIZED));
    await counting.decode([unsized]);
    expect([held, most]).toEqual([2 * size, size + 80_000]);
    await expect(counting.decode([sized ?? {}])).rejects.toThrow('too much');
    await expect(counting.decode([compressed('binary/zstd', Buffer.from('no frame'))])).rejects.toThrow(
      'changed',
    );
    expect(held).toBe(2 * size);
  });

  test('does not take the memory that a frame asks for', async () => {
    const data = zstdCompressSync(encode(jsonPayload('value')), UNSIZED);
    // The window, 128 MiB.
    data[5] = (27 - 10) << 3;
    const careful = createCompressionCodec({ maxInflatedBytes: 1_000_000 });
    await expect(careful.decode([compressed('binary/zstd', data)])).rejects.toMatchObject({
      code: 'CODEC_CORRUPT',
    });
    const roomy = createCompressionCodec({ maxInflatedBytes: 2 ** 27, maxInflatedBytesPerCall: 2 ** 27 });
    await expect(roomy.decode([compressed('binary/zstd', data)])).resolves.toHaveLength(1);
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
    [
      'followed by zeros, in gzip',
      compressed('binary/gzip', Buffer.concat([gzipSync(encode(jsonPayload(1))), Buffer.alloc(9)])),
    ],
    [
      'followed by garbage, in gzip',
      compressed('binary/gzip', Buffer.concat([gzipSync(encode(jsonPayload(1))), Buffer.from('x')])),
    ],
    [
      'two members',
      compressed('binary/gzip', Buffer.concat([1, 2].map((value) => gzipSync(encode(jsonPayload(value)))))),
    ],
    ['truncated, in gzip', compressed('binary/gzip', gzipSync(encode(jsonPayload(1))).subarray(0, -1))],
    ['nothing, compressed', compressed('binary/zstd', zstdCompressSync(Buffer.alloc(0)))],
    ['nothing, in gzip', compressed('binary/gzip', gzipSync(Buffer.alloc(0)))],
    ['empty', compressed('binary/zstd', Buffer.alloc(0))],
    ['no payload inside', compressed('binary/gzip', gzipSync(Buffer.from([0x0a, 0xff])))],
  ])('refuses what is %s', async (_, payload) => {
    await expect(codec.decode([payload])).rejects.toMatchObject({ code: 'CODEC_CORRUPT' });
  });
});
