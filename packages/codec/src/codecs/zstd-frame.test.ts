import { randomBytes } from 'node:crypto';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { readZstdFrame, storeInZstdFrame } from './zstd-frame.ts';

const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
const unsized = { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } };
const frames: readonly (readonly [string, Buffer, number | null])[] = [
  ['nothing', zstdCompressSync(Buffer.alloc(0)), 0],
  ['a text', zstdCompressSync(Buffer.from('some text '.repeat(20))), 200],
  ['a longer text', zstdCompressSync(Buffer.from('some text '.repeat(40))), 400],
  ['runs', zstdCompressSync(Buffer.alloc(300_000, 65)), 300_000],
  ['noise', zstdCompressSync(randomBytes(300_000)), 300_000],
  ['a text with its checksum', zstdCompressSync(Buffer.from('some text'), checked), 9],
  ['a text without its size', zstdCompressSync(Buffer.from('some text '.repeat(40)), unsized), null],
  ['a text that is not compressed', storeInZstdFrame([Buffer.from('some text')]), 9],
];

test.each(frames)(
  'a frame of %s is whole, and is not once anything is missing or follows',
  (_, frame, size) => {
    expect(readZstdFrame(frame)).toEqual({ contentBytes: size });
    const step = Math.max(1, frame.length >> 8);
    for (let end = frame.length - 1; end >= 0; end -= step)
      expect(readZstdFrame(frame.subarray(0, end))).toBeNull();
    for (const more of [Buffer.of(0), frame, Buffer.from('garbage')])
      expect(readZstdFrame(Buffer.concat([frame, more]))).toBeNull();
  },
);

const BLOCK = 128 * 1024;
test.each([
  [[0]],
  [[1]],
  [[0, 3, 0, 5]],
  [[BLOCK]],
  [[BLOCK - 1, 1]],
  [[5, BLOCK, 5]],
  [[7, 3 * BLOCK + 11]],
])('bytes of %j are stored in a frame that Node reads', (sizes) => {
  const parts = sizes.map((size) => randomBytes(size));
  const whole = Buffer.concat(parts);
  const frame = storeInZstdFrame(parts);
  expect(readZstdFrame(frame)).toEqual({ contentBytes: whole.length });
  expect(zstdDecompressSync(frame).equals(whole)).toBe(true);
  expect(frame.length).toBeGreaterThan(whole.length);
});

describe('a frame is told by its parts', () => {
  const text = storeInZstdFrame([Buffer.from('some text')]);
  const changed = (at: number, byte: number): Buffer => {
    const frame = Buffer.from(text);
    frame[at] = byte;
    return frame;
  };

  test.each([0, 1, 2, 3])('byte %d of its magic number', (at) => {
    expect(readZstdFrame(changed(at, 0))).toBeNull();
  });

  test.each([
    [1, 1],
    [2, 2],
    [3, 4],
  ])('flag %d: the id of a dictionary in %d bytes', (flag, length) => {
    const frame = Buffer.concat([
      text.subarray(0, 4),
      Buffer.of(0xc0 | flag, text[5] ?? 0),
      Buffer.alloc(length, 0xff),
      text.subarray(6),
    ]);
    expect(readZstdFrame(frame)).toEqual({ contentBytes: 9 });
  });

  test('no block is of the kind that is reserved', () => {
    const header = 14;
    expect(readZstdFrame(changed(header, ((text[header] ?? 0) & ~6) | 6))).toBeNull();
  });
});
