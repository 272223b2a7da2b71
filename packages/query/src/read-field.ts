import { QueryError } from './errors.ts';
import { readQuoted } from './read-quoted.ts';

const FIRST_PARTS = /[A-Za-z_][\w./-]*/y;
const MORE_PARTS = /[.][\w./-]*/y;
const ADVICE = 'quote a name with other characters than letters, digits and _ . / -, as in "host name":x';

/**
 * Reads the name of a field and the colon after it. `end` is the offset just past the colon.
 *
 * Parts of a name may be in quotes, and then contain any characters: `label."host name"`. Quotes do not change what a
 * name means, so `"a.b"` is the same as `a.b`.
 */
export function readField(text: string, start: number): { readonly field: string; readonly end: number } {
  let field = readMatch(FIRST_PARTS, text, start);
  let end = start + field.length;
  while (text.charAt(end) === '"' && (end === start || text.charAt(end - 1) === '.')) {
    const quoted = readQuoted(text, end);
    const more = readMatch(MORE_PARTS, text, quoted.end);
    field += quoted.literal + more;
    end = quoted.end + more.length;
  }
  if (end === start)
    throw new QueryError(
      'QUERY_FIELD_EXPECTED',
      start,
      `expected field:value, found "${text.charAt(start)}"; a field starts with a letter or "_"; ${ADVICE}`,
    );
  if (text.charAt(end) !== ':') throw createColonError(text, start, end);
  return { field, end: end + 1 };
}

function readMatch(expression: RegExp, text: string, start: number): string {
  expression.lastIndex = start;
  return expression.exec(text)?.[0] ?? '';
}

function createColonError(text: string, start: number, end: number): QueryError {
  const name = text.slice(start, end);
  if (end >= text.length)
    return new QueryError(
      'QUERY_UNEXPECTED_END',
      end,
      `expected ":" after the field ${name}, found the end of the query`,
    );
  const found = text.slice(end, end + ((text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1));
  return new QueryError(
    'QUERY_UNEXPECTED_TOKEN',
    end,
    `expected ":" after the field ${name}, found "${found}"; ${ADVICE}`,
  );
}
