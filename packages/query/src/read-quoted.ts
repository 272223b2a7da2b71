import { QueryError } from './errors.ts';

/** Reads a text in quotes, in which a backslash escapes the next character. `end` is the offset just past it. */
export function readQuoted(text: string, start: number): { readonly literal: string; readonly end: number } {
  let literal = '';
  for (let offset = start + 1; offset < text.length; offset++) {
    const character = text.charAt(offset);
    if (character === '"') return { literal, end: offset + 1 };
    if (character === '\\' && offset + 1 < text.length) literal += text.charAt(++offset);
    else literal += character;
  }
  throw new QueryError('QUERY_UNTERMINATED_QUOTE', start, 'expected a closing quote (")');
}
