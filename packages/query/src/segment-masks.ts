import { foldCodePoint } from './fold-ascii.ts';
import { ANY_ONE, type Segment } from './split-pattern.ts';

/** The code points whose masks are found in an array rather than in a map. */
const ASCII = 128;

/**
 * At which positions of a segment a character may be, as bits: position i is bit i % 32 of word i / 32. They take at most
 * 2 MiB, for a query of maximum length with as many different characters.
 */
export class SegmentMasks {
  /** The number of words of a mask. */
  readonly size: number;
  /** The bit of the last position, in the last word. */
  readonly lastBit: number;
  /** The number of words of all masks together, which is what it takes to compute them. */
  words: number;
  readonly #anyOne: Int32Array;
  readonly #ascii: (Int32Array | undefined)[] = [];
  readonly #others = new Map<number, Int32Array>();

  /** @param ignoreCase Matches A–Z as a–z. */
  constructor(segment: Segment, ignoreCase: boolean) {
    this.size = Math.ceil(segment.length / 32);
    this.lastBit = 1 << ((segment.length - 1) & 31);
    this.words = this.size;
    this.#anyOne = new Int32Array(this.size);
    for (const [position, codePoint] of segment.entries())
      if (codePoint === ANY_ONE) addPosition(this.#anyOne, position);
    for (const [position, codePoint] of segment.entries())
      if (codePoint !== ANY_ONE) addPosition(this.#own(codePoint), position);
    if (!ignoreCase) return;
    for (let upper = 0x41; upper <= 0x5a; upper++) this.#ascii[upper] = this.#ascii[foldCodePoint(upper)];
  }

  /** Returns the mask of a character of a value. */
  find(codePoint: number): Int32Array {
    return (codePoint < ASCII ? this.#ascii[codePoint] : this.#others.get(codePoint)) ?? this.#anyOne;
  }

  #own(codePoint: number): Int32Array {
    const known = this.find(codePoint);
    if (known !== this.#anyOne) return known;
    const mask = Int32Array.from(this.#anyOne);
    this.words += this.size;
    if (codePoint < ASCII) this.#ascii[codePoint] = mask;
    else this.#others.set(codePoint, mask);
    return mask;
  }
}

function addPosition(mask: Int32Array, position: number): void {
  mask[position >>> 5] = (mask[position >>> 5] ?? 0) | (1 << (position & 31));
}
