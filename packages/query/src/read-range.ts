import { skipSpaces } from './characters.ts';
import { decimalOf } from './decimal.ts';
import { QueryError } from './errors.ts';
import type { Bound } from './query.ts';

const NUMBER = /[+-]?[0-9]+(?:[.][0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
/** A character with which no word between the brackets goes on. */
const BEYOND_BOUND = ' \t\n\r()":\\';

interface Bounds {
  readonly low: Bound | null;
  readonly high: Bound | null;
  readonly end: number;
}

/** Reads `>5`, `>=5`, `<5` or `<=5`. */
export function comparisonAt(text: string, start: number): Bounds {
  const inclusive = text.charAt(start + 1) === '=';
  const { value, end } = numberAt(text, start + (inclusive ? 2 : 1));
  const bound = { value, inclusive };
  return text.charAt(start) === '>' ? { low: bound, high: null, end } : { low: null, high: bound, end };
}

/**
 * Tells whether a range starts here, which takes a bracket, a word and `TO`. A bracket alone begins an ordinary
 * value, such as `[warning]`; and in `a:[x TO:y` a second term follows one.
 */
export function isRangeAt(text: string, start: number): boolean {
  const bracket = text.charAt(start);
  if (bracket !== '[' && bracket !== '{') return false;
  let wordEnd = skipSpaces(text, start + 1);
  while (wordEnd < text.length && !BEYOND_BOUND.includes(text.charAt(wordEnd))) wordEnd++;
  const to = skipSpaces(text, wordEnd);
  return to > wordEnd && text.startsWith('TO', to) && !/[\w./:-]/.test(text.charAt(to + 2));
}

/** Reads `[1 TO 5]`, with `{` or `}` where that end is left out, and `*` for an open end. */
export function rangeAt(text: string, start: number): Bounds {
  const low = boundAt(text, skipSpaces(text, start + 1), text.charAt(start) === '[');
  const to = skipSpaces(text, low.end);
  if (!text.startsWith('TO', to)) throw misfit(text, to, 'TO');
  const high = boundAt(text, skipSpaces(text, to + 2), true);
  const at = skipSpaces(text, high.end);
  const bracket = text.charAt(at);
  if (bracket !== ']' && bracket !== '}') throw misfit(text, at, '"]" or "}"');
  return {
    low: low.bound,
    high: high.bound === null ? null : { value: high.bound.value, inclusive: bracket === ']' },
    end: at + 1,
  };
}

function boundAt(
  text: string,
  start: number,
  inclusive: boolean,
): { readonly bound: Bound | null; readonly end: number } {
  if (text.charAt(start) === '*') return { bound: null, end: start + 1 };
  const { value, end } = numberAt(text, start);
  return { bound: { value, inclusive }, end };
}

function numberAt(text: string, start: number): { readonly value: number; readonly end: number } {
  NUMBER.lastIndex = start;
  const number = NUMBER.exec(text)?.[0];
  const value = number === undefined ? undefined : decimalOf(number);
  if (number === undefined || value === undefined) {
    throw new QueryError(
      'QUERY_NUMBER_EXPECTED',
      start,
      'expected a finite decimal number; quote the value to compare text',
    );
  }
  return { value, end: start + number.length };
}

function misfit(text: string, at: number, wanted: string): QueryError {
  const found = at >= text.length ? 'the end' : `"${text.charAt(at)}"`;
  return new QueryError(
    at >= text.length ? 'QUERY_UNEXPECTED_END' : 'QUERY_UNEXPECTED_TOKEN',
    at,
    `expected ${wanted} in this range, found ${found}`,
  );
}
