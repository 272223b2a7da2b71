import { QueryError } from './errors.ts';
import type { Pattern, PatternPart } from './query.ts';

/** A token with the offset of its first character. */
export type Token =
  | { readonly kind: 'open' | 'close' | 'and' | 'or' | 'not' | 'all' | 'end'; readonly position: number }
  | {
      readonly kind: 'term';
      readonly field: string;
      readonly pattern: Pattern;
      readonly position: number;
    };

const FIELD = /[A-Za-z_][\w./-]*/y;
const KEYWORDS: ReadonlyMap<string, 'and' | 'or' | 'not'> = new Map([
  ['AND', 'and'],
  ['OR', 'or'],
  ['NOT', 'not'],
]);

/** Splits a query text into tokens; the last one is always `end`. */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    while (at < text.length && isSpace(text.charAt(at))) at++;
    const position = at;
    const character = text.charAt(at);
    if (character === '') {
      tokens.push({ kind: 'end', position });
      return tokens;
    }
    if (character === '(' || character === ')') {
      tokens.push({ kind: character === '(' ? 'open' : 'close', position });
      at++;
      continue;
    }
    const word = wordAt(text, at);
    const keyword = KEYWORDS.get(word);
    if (keyword !== undefined) {
      tokens.push({ kind: keyword, position });
      at += word.length;
      continue;
    }
    if (word === '*') {
      tokens.push({ kind: 'all', position });
      at++;
      continue;
    }
    const field = fieldAt(text, at);
    at += field.length + 1;
    const value = text.charAt(at) === '"' ? quotedAt(text, at) : bareAt(text, at);
    at = value.end;
    if (at < text.length && !isSpace(text.charAt(at)) && text.charAt(at) !== ')') {
      throw new QueryError('QUERY_UNEXPECTED_TOKEN', at, `a value ends before "${text.charAt(at)}"`);
    }
    tokens.push({ kind: 'term', field, pattern: value.pattern, position });
  }
}

function isSpace(character: string): boolean {
  return character === ' ' || character === '\t' || character === '\n' || character === '\r';
}

function wordAt(text: string, start: number): string {
  let end = start;
  while (
    end < text.length &&
    !isSpace(text.charAt(end)) &&
    text.charAt(end) !== '(' &&
    text.charAt(end) !== ')'
  ) {
    end++;
  }
  return text.slice(start, end);
}

function fieldAt(text: string, start: number): string {
  FIELD.lastIndex = start;
  const field = FIELD.exec(text)?.[0];
  if (field === undefined) {
    throw new QueryError(
      'QUERY_FIELD_EXPECTED',
      start,
      `expected field:value, found "${text.charAt(start)}"; a field starts with a letter or _`,
    );
  }
  const next = text.charAt(start + field.length);
  if (next !== ':') {
    const found = next === '' ? 'the end' : `"${next}"`;
    throw new QueryError(
      next === '' ? 'QUERY_UNEXPECTED_END' : 'QUERY_UNEXPECTED_TOKEN',
      start + field.length,
      `expected ":" after the field ${field}, found ${found}`,
    );
  }
  return field;
}

interface Value {
  readonly pattern: Pattern;
  readonly end: number;
}

function quotedAt(text: string, start: number): Value {
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

function bareAt(text: string, start: number): Value {
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
      'expected a value after ":"; write "" for an empty one',
    );
  }
  return { pattern: parts, end: at };
}
