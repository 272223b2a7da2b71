import { QueryError } from './errors.ts';
import type { Range, Term } from './query.ts';
import { findWordEnd, isSpace, skipSpaces } from './characters.ts';
import { readField } from './read-field.ts';
import { readValue } from './read-value.ts';
import { refuseAmbiguous } from './refuse-ambiguous.ts';

/** A token and the offset of its first character. A term with a value set has one alternative per value. */
export type Token =
  | { readonly kind: 'open' | 'close' | 'and' | 'or' | 'not' | 'all'; readonly position: number }
  | {
      readonly kind: 'term';
      readonly alternatives: readonly (Term | Range)[];
      readonly position: number;
    };

const KEYWORDS: ReadonlyMap<string, 'and' | 'or' | 'not'> = new Map([
  ['AND', 'and'],
  ['OR', 'or'],
  ['NOT', 'not'],
]);

/** Splits a query text into tokens. With `strict`, an ambiguous colon is refused. */
export function tokenize(text: string, strict: boolean): readonly Token[] {
  const tokens: Token[] = [];
  let offset = 0;
  for (;;) {
    offset = skipSpaces(text, offset);
    const position = offset;
    const character = text.charAt(offset);
    if (character === '') return tokens;
    if (character === '(' || character === ')') {
      tokens.push({ kind: character === '(' ? 'open' : 'close', position });
      offset++;
      continue;
    }
    const word = text.slice(offset, findWordEnd(text, offset));
    const keyword = KEYWORDS.get(word);
    if (keyword !== undefined) {
      tokens.push({ kind: keyword, position });
      offset += word.length;
      continue;
    }
    if (word === '*') {
      tokens.push({ kind: 'all', position });
      offset++;
      continue;
    }
    const { field, end } = readField(text, offset);
    offset = end;
    if (text.charAt(offset) === '(') {
      const set = readValueSet(text, offset, { field, strict });
      offset = set.end;
      tokens.push({ kind: 'term', alternatives: set.alternatives, position });
    } else {
      const value = readValue(text, offset, { field, position });
      if (strict) refuseAmbiguous(text, { ...value, start: offset, inSet: false });
      offset = value.end;
      tokens.push({ kind: 'term', alternatives: [value.leaf], position });
    }
    requireValueEnd(text, offset);
  }
}

function requireValueEnd(text: string, offset: number): void {
  if (offset < text.length && !isSpace(text.charAt(offset)) && text.charAt(offset) !== ')')
    throw new QueryError(
      'QUERY_UNEXPECTED_TOKEN',
      offset,
      `expected a space or ")" after the value, found "${text.charAt(offset)}"`,
    );
}

/** Reads `(a OR "b" OR >5)`. Each value may take any form that a single value may take. */
function readValueSet(
  text: string,
  start: number,
  { field, strict }: { readonly field: string; readonly strict: boolean },
): { readonly alternatives: readonly (Term | Range)[]; readonly end: number } {
  const alternatives: (Term | Range)[] = [];
  let offset = start + 1;
  for (;;) {
    offset = skipSpaces(text, offset);
    const word = text.slice(offset, findWordEnd(text, offset));
    if (KEYWORDS.has(word))
      throw new QueryError(
        'QUERY_UNEXPECTED_TOKEN',
        offset,
        `expected a value, found ${word}; quote it to use it as a value`,
      );
    if (offset >= text.length) throw createUnclosedSetError(offset);
    const value = readValue(text, offset, { field, position: offset });
    if (strict) refuseAmbiguous(text, { ...value, start: offset, inSet: true });
    alternatives.push(value.leaf);
    requireValueEnd(text, value.end);
    offset = skipSpaces(text, value.end);
    if (text.charAt(offset) === ')') return { alternatives, end: offset + 1 };
    if (offset >= text.length) throw createUnclosedSetError(offset);
    if (text.slice(offset, findWordEnd(text, offset)) !== 'OR')
      throw new QueryError(
        'QUERY_UNEXPECTED_TOKEN',
        offset,
        'expected OR or ")" after a value in parentheses',
      );
    offset += 'OR'.length;
  }
}

function createUnclosedSetError(offset: number): QueryError {
  return new QueryError(
    'QUERY_UNEXPECTED_END',
    offset,
    'expected a value, OR or ")", found the end of the query',
  );
}
