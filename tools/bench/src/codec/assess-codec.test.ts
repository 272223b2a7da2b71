import { expect, test } from '@jest/globals';
import { assessCodec } from './assess-codec.ts';
import type { CodecReport } from './run-codec.ts';

const figures = { median: 1, min: 1, max: 1 };
const reportOf = (ratioToRaw: number, overRawUs: number): CodecReport => ({
  name: 'codec',
  encryption: [
    { bytes: 256, ratioToRaw: 0.5, overRawUs, rawUs: figures, codecUs: figures },
    { bytes: 65_536, ratioToRaw, overRawUs: 100, rawUs: figures, codecUs: figures },
  ],
  compressed: { us: 1, shareOfBytes: 0.1 },
});

test.each([
  [0.95, 10, [true, true]],
  [0.94, 10, [false, true]],
  [0.95, 10.1, [true, false]],
  [Number.NaN, Number.NaN, [false, false]],
])('a ratio of %d at 64 KiB and %d µs more at 256 B meet %j', (ratio, over, met) => {
  expect(assessCodec(reportOf(ratio, over)).map((goal) => goal.met)).toEqual(met);
});

test('a size that was not measured is a miss', () => {
  expect(assessCodec({ ...reportOf(1, 1), encryption: [] }).map(({ met, value }) => [met, value])).toEqual([
    [false, null],
    [false, null],
  ]);
});
