import { isSpace } from './characters.ts';
import { QueryError } from './errors.ts';
import { foldAscii } from './fold-ascii.ts';
import type { Pattern, PatternPart, Range, Term } from './query.ts';
import { readQuoted } from './read-quoted.ts';
import { readComparison, isRangeAt, readRange } from './read-range.ts';

/** Reads the value at an offset, in any form except a value set. `end` is the offset just past it. */
export function readValue(
  text: string,
  start: number,
  term: { readonly field: string; readonly position: number },
): { readonly leaf: Term | Range; readonly end: number } {
  const character = text.charAt(start);
  if (character === '>' || character === '<') {
    const { low, high, end } = readComparison(text, start);
    return { leaf: { kind: 'range', field: term.field, low, high, position: term.position }, end };
  }
  if (isRangeAt(text, start)) {
    const { low, high, end } = readRange(text, start);
    return { leaf: { kind: 'range', field: term.field, low, high, position: term.position }, end };
  }
  const ignoreCase = character === '~';
  const { pattern, end } = readPattern(text, ignoreCase ? start + 1 : start);
  const leaf: Term = { kind: 'term', field: term.field, pattern, position: term.position };
  // `~*` tests for existence, as `*` does; both parse to the same term.
  if (!ignoreCase || (pattern.length === 1 && pattern[0]?.kind === 'any-run')) return { leaf, end };
  return { leaf: { ...leaf, pattern: pattern.map(foldPart), ignoreCase: true }, end };
}

function foldPart(part: PatternPart): PatternPart {
  return part.kind === 'literal' ? { kind: 'literal', text: foldAscii(part.text) } : part;
}

interface PatternText {
  readonly pattern: Pattern;
  readonly end: number;
}

function readPattern(text: string, start: number): PatternText {
  if (text.charAt(start) !== '"') return readUnquoted(text, start);
  const { literal, end } = readQuoted(text, start);
  return { pattern: literal === '' ? [] : [{ kind: 'literal', text: literal }], end };
}

function readUnquoted(text: string, start: number): PatternText {
  const parts: PatternPart[] = [];
  let literal = '';
  const flush = (): void => {
    if (literal !== '') parts.push({ kind: 'literal', text: literal });
    literal = '';
  };
  let offset = start;
  for (; offset < text.length; offset++) {
    const character = text.charAt(offset);
    if (isSpace(character) || character === '(' || character === ')' || character === '"') break;
    if (character === '*') {
      flush();
      if (parts.at(-1)?.kind !== 'any-run') parts.push({ kind: 'any-run' });
    } else if (character === '?') {
      flush();
      parts.push({ kind: 'any-one' });
    } else if (character === '\\') {
      if (offset + 1 >= text.length)
        throw new QueryError(
          'QUERY_UNEXPECTED_END',
          text.length,
          'expected a character after the backslash, found the end of the query',
        );
      literal += text.charAt(++offset);
    } else {
      literal += character;
    }
  }
  flush();
  if (parts.length === 0) {
    throw new QueryError(
      'QUERY_VALUE_EXPECTED',
      start,
      `expected a value after "${text.charAt(start - 1)}"; write "" for an empty value`,
    );
  }
  return { pattern: parts, end: offset };
}
