import { skipSpaces } from './characters.ts';
import { parseDecimal } from './parse-decimal.ts';
import { QueryError } from './errors.ts';
import type { Bound } from './query.ts';

const NUMBER = /[+-]?[0-9]+(?:[.][0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
/** The characters that end a bound between brackets. */
const BOUND_DELIMITERS = ' \t\n\r()":\\';

interface Bounds {
  readonly low: Bound | null;
  readonly high: Bound | null;
  readonly end: number;
}

/** Reads `>5`, `>=5`, `<5` or `<=5`. */
export function readComparison(text: string, start: number): Bounds {
  const inclusive = text.charAt(start + 1) === '=';
  const { value, end } = readNumber(text, start + (inclusive ? 2 : 1));
  const bound = { value, inclusive };
  return text.charAt(start) === '>' ? { low: bound, high: null, end } : { low: null, high: bound, end };
}

/**
 * Whether a range starts at an offset: a bracket, a word and `TO`. A bracket without them starts an ordinary value, such
 * as `[warning]`, and in `a:[x TO:y` the value `[x` is followed by a term on the field `TO`.
 */
export function isRangeAt(text: string, start: number): boolean {
  const bracket = text.charAt(start);
  if (bracket !== '[' && bracket !== '{') return false;
  let wordEnd = skipSpaces(text, start + 1);
  while (wordEnd < text.length && !BOUND_DELIMITERS.includes(text.charAt(wordEnd))) wordEnd++;
  const to = skipSpaces(text, wordEnd);
  return to > wordEnd && text.startsWith('TO', to) && !/[\w./:-]/.test(text.charAt(to + 2));
}

/** Reads `[1 TO 5]`. `{` and `}` exclude their bound; `*` means unbounded. */
export function readRange(text: string, start: number): Bounds {
  const low = readBound(text, skipSpaces(text, start + 1), text.charAt(start) === '[');
  const to = skipSpaces(text, low.end);
  if (!text.startsWith('TO', to)) throw createRangeError(text, to, 'TO');
  const high = readBound(text, skipSpaces(text, to + 2), true);
  const offset = skipSpaces(text, high.end);
  const bracket = text.charAt(offset);
  if (bracket !== ']' && bracket !== '}') throw createRangeError(text, offset, '"]" or "}"');
  return {
    low: low.bound,
    high: high.bound === null ? null : { value: high.bound.value, inclusive: bracket === ']' },
    end: offset + 1,
  };
}

function readBound(
  text: string,
  start: number,
  inclusive: boolean,
): { readonly bound: Bound | null; readonly end: number } {
  if (text.charAt(start) === '*') return { bound: null, end: start + 1 };
  const { value, end } = readNumber(text, start);
  return { bound: { value, inclusive }, end };
}

function readNumber(text: string, start: number): { readonly value: number; readonly end: number } {
  NUMBER.lastIndex = start;
  const number = NUMBER.exec(text)?.[0];
  const value = number === undefined ? undefined : parseDecimal(number);
  if (number === undefined || value === undefined) {
    throw new QueryError(
      'QUERY_NUMBER_EXPECTED',
      start,
      'expected a finite decimal number; quote the value to compare it as text',
    );
  }
  return { value, end: start + number.length };
}

function createRangeError(text: string, offset: number, expected: string): QueryError {
  const found = offset >= text.length ? 'the end of the query' : `"${text.charAt(offset)}"`;
  return new QueryError(
    offset >= text.length ? 'QUERY_UNEXPECTED_END' : 'QUERY_UNEXPECTED_TOKEN',
    offset,
    `expected ${expected} in the range, found ${found}`,
  );
}
