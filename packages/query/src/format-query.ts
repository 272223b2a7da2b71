import type { Pattern, Query } from './query.ts';

/** Writes a query as text in one canonical form; parsing that text gives an equal query again. */
export function formatQuery(query: Query): string {
  switch (query.kind) {
    case 'all':
      return '*';
    case 'term':
      return `${query.field}:${formatPattern(query.pattern)}`;
    case 'not':
      return `NOT ${nested(query.operand)}`;
    case 'and':
      return query.operands.map(nested).join(' AND ');
    case 'or':
      return query.operands.map(nested).join(' OR ');
  }
}

function nested(query: Query): string {
  return query.kind === 'and' || query.kind === 'or' ? `(${formatQuery(query)})` : formatQuery(query);
}

function formatPattern(pattern: Pattern): string {
  const [only] = pattern;
  if (only === undefined) return '""';
  if (pattern.length === 1 && only.kind === 'literal')
    return `"${only.text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
  return pattern
    .map((part) => {
      if (part.kind === 'any-run') return '*';
      return part.kind === 'any-one' ? '?' : part.text.replaceAll(/[\s()"*?\\]/g, String.raw`\$&`);
    })
    .join('');
}
