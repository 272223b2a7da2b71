import { atLeast, atMost, type Goal } from '../goals.ts';
import type { CodecReport } from './run-codec.ts';

/** The goals of `bench codec`. */
const GOALS = { ratioAt64KiB: 0.95, overRawUsAt256B: 10 };

/** Compares a report with its goals. A missed speed is a missed goal and no failure. */
export function assessCodec({ encryption }: CodecReport): readonly Goal[] {
  const at = (bytes: number) => encryption.find((size) => size.bytes === bytes);
  return [
    atLeast('encryption.64KiB.ratioToRaw', at(65_536)?.ratioToRaw ?? Number.NaN, 'ratio', GOALS.ratioAt64KiB),
    atMost('encryption.256B.overRawUs', at(256)?.overRawUs ?? Number.NaN, 'µs', GOALS.overRawUsAt256B),
  ];
}
