import { isSpace } from './characters.ts';
import { QueryError } from './errors.ts';
import { foldAscii } from './ignore-case.ts';
import type { Pattern, PatternPart, Range, Term } from './query.ts';
import { comparisonAt, isRangeAt, rangeAt } from './read-range.ts';

/** Reads the value that starts at an offset, in any form but a set; `end` is the offset behind it. */
export function valueAt(
  text: string,
  start: number,
  of: { readonly field: string; readonly position: number },
): { readonly leaf: Term | Range; readonly end: number } {
  const character = text.charAt(start);
  if (character === '>' || character === '<') {
    const { low, high, end } = comparisonAt(text, start);
    return { leaf: { kind: 'range', field: of.field, low, high, position: of.position }, end };
  }
  if (isRangeAt(text, start)) {
    const { low, high, end } = rangeAt(text, start);
    return { leaf: { kind: 'range', field: of.field, low, high, position: of.position }, end };
  }
  const ignoreCase = character === '~';
  const { pattern, end } = patternAt(text, ignoreCase ? start + 1 : start);
  const leaf: Term = { kind: 'term', field: of.field, pattern, position: of.position };
  // Whether a field is there is the same question in either case; it has one form.
  if (!ignoreCase || (pattern.length === 1 && pattern[0]?.kind === 'any-run')) return { leaf, end };
  return { leaf: { ...leaf, pattern: pattern.map(folded), ignoreCase: true }, end };
}

function folded(part: PatternPart): PatternPart {
  return part.kind === 'literal' ? { kind: 'literal', text: foldAscii(part.text) } : part;
}

interface PatternText {
  readonly pattern: Pattern;
  readonly end: number;
}

function patternAt(text: string, start: number): PatternText {
  return text.charAt(start) === '"' ? quotedAt(text, start) : bareAt(text, start);
}

function quotedAt(text: string, start: number): PatternText {
  let literal = '';
  for (let at = start + 1; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '"')
      return { pattern: literal === '' ? [] : [{ kind: 'literal', text: literal }], end: at + 1 };
    if (character === '\\' && at + 1 < text.length) literal += text.charAt(++at);
    else literal += character;
  }
  throw new QueryError('QUERY_UNTERMINATED_QUOTE', start, 'this quote is never closed');
}

function bareAt(text: string, start: number): PatternText {
  const parts: PatternPart[] = [];
  let literal = '';
  const flush = (): void => {
    if (literal !== '') parts.push({ kind: 'literal', text: literal });
    literal = '';
  };
  let at = start;
  for (; at < text.length; at++) {
    const character = text.charAt(at);
    if (isSpace(character) || character === '(' || character === ')' || character === '"') break;
    if (character === '*') {
      flush();
      if (parts.at(-1)?.kind !== 'any-run') parts.push({ kind: 'any-run' });
    } else if (character === '?') {
      flush();
      parts.push({ kind: 'any-one' });
    } else if (character === '\\') {
      if (at + 1 >= text.length)
        throw new QueryError('QUERY_UNEXPECTED_END', text.length, 'nothing follows the backslash');
      literal += text.charAt(++at);
    } else {
      literal += character;
    }
  }
  flush();
  if (parts.length === 0) {
    throw new QueryError(
      'QUERY_VALUE_EXPECTED',
      start,
      `expected a value after "${text.charAt(start - 1)}"; write "" for an empty one`,
    );
  }
  return { pattern: parts, end: at };
}
