import { QueryError } from './errors.ts';
import type { Range, Term } from './query.ts';
import { endOfWord, isSpace, skipSpaces } from './characters.ts';
import { valueAt } from './read-value.ts';

/** A token with the offset of its first character. A term has several alternatives where it names a set of values. */
export type Token =
  | { readonly kind: 'open' | 'close' | 'and' | 'or' | 'not' | 'all' | 'end'; readonly position: number }
  | {
      readonly kind: 'term';
      readonly alternatives: readonly (Term | Range)[];
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
    at = skipSpaces(text, at);
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
    const word = text.slice(at, endOfWord(text, at));
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
    if (text.charAt(at) === '(') {
      const set = setAt(text, at, field);
      at = set.end;
      tokens.push({ kind: 'term', alternatives: set.alternatives, position });
    } else {
      const value = valueAt(text, at, { field, position });
      at = value.end;
      tokens.push({ kind: 'term', alternatives: [value.leaf], position });
    }
    endsHere(text, at);
  }
}

function endsHere(text: string, at: number): void {
  if (at < text.length && !isSpace(text.charAt(at)) && text.charAt(at) !== ')')
    throw new QueryError('QUERY_UNEXPECTED_TOKEN', at, `a value ends before "${text.charAt(at)}"`);
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

/** Reads `(a OR "b" OR >5)`, where each value may have any form that it may have alone. */
function setAt(
  text: string,
  start: number,
  field: string,
): { readonly alternatives: readonly (Term | Range)[]; readonly end: number } {
  const alternatives: (Term | Range)[] = [];
  let at = start + 1;
  for (;;) {
    at = skipSpaces(text, at);
    const word = text.slice(at, endOfWord(text, at));
    if (KEYWORDS.has(word))
      throw new QueryError(
        'QUERY_UNEXPECTED_TOKEN',
        at,
        `expected a value, found ${word}; quote it to mean it`,
      );
    if (at >= text.length) throw unclosed(at);
    const value = valueAt(text, at, { field, position: at });
    alternatives.push(value.leaf);
    endsHere(text, value.end);
    at = skipSpaces(text, value.end);
    if (text.charAt(at) === ')') return { alternatives, end: at + 1 };
    if (at >= text.length) throw unclosed(at);
    if (text.slice(at, endOfWord(text, at)) !== 'OR')
      throw new QueryError(
        'QUERY_UNEXPECTED_TOKEN',
        at,
        'expected OR or ")": values in parentheses are joined by OR',
      );
    at += 'OR'.length;
  }
}

function unclosed(at: number): QueryError {
  return new QueryError('QUERY_UNEXPECTED_END', at, 'expected a value, OR or ")", found the end');
}
