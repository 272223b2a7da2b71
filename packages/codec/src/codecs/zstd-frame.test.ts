import { randomBytes } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { isOneZstdFrame } from './zstd-frame.ts';

const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
const frames: readonly (readonly [string, Buffer])[] = [
  ['nothing', zstdCompressSync(Buffer.alloc(0))],
  ['a text', zstdCompressSync(Buffer.from('some text '.repeat(40)))],
  ['runs', zstdCompressSync(Buffer.alloc(300_000, 65))],
  ['noise', zstdCompressSync(randomBytes(300_000))],
  ['a text with its checksum', zstdCompressSync(Buffer.from('some text'), checked)],
];

test.each(frames)('a frame of %s is whole, and is not once anything is missing or follows', (_, frame) => {
  expect(isOneZstdFrame(frame)).toBe(true);
  const step = Math.max(1, frame.length >> 8);
  for (let end = frame.length - 1; end >= 0; end -= step)
    expect(isOneZstdFrame(frame.subarray(0, end))).toBe(false);
  for (const more of [Buffer.of(0), frame, Buffer.from('garbage')])
    expect(isOneZstdFrame(Buffer.concat([frame, more]))).toBe(false);
});
