import { MAX_QUERY_DEPTH } from './parse-query.ts';
import type { Bound, Pattern, Query, Range, Term } from './query.ts';

/**
 * Writes a query as text in one canonical form; parsing that text gives an equal query again, as long as the text
 * is within `MAX_QUERY_LENGTH` (it may be longer than the one that was parsed).
 */
export function formatQuery(query: Query): string {
  return formatted(query, 0);
}

function formatted(query: Query, depth: number): string {
  switch (query.kind) {
    case 'all':
      return '*';
    case 'term':
    case 'range':
      return `${query.field}:${formatValue(query)}`;
    case 'not':
      return `NOT ${nested(query.operand, depth + 1)}`;
    case 'and':
      return query.operands.map((operand) => nested(operand, depth)).join(' AND ');
    case 'or':
      return (
        valueSet(query.operands) ??
        query.operands
          .map((operand) =>
            // Only readers need these parentheses; they are left out where the parser's depth would not do.
            operand.kind === 'and' && depth + 1 + heightOf(operand) > MAX_QUERY_DEPTH
              ? formatted(operand, depth)
              : nested(operand, depth),
          )
          .join(' OR ')
      );
  }
}

function nested(query: Query, depth: number): string {
  return needsParentheses(query) ? `(${formatted(query, depth + 1)})` : formatted(query, depth);
}

function needsParentheses(query: Query): boolean {
  return query.kind === 'and' || (query.kind === 'or' && valueSet(query.operands) === undefined);
}

/** Counts the levels that the parser needs for a query, with none for an AND directly inside an OR. */
function heightOf(query: Query): number {
  const inner = (operand: Query): number => heightOf(operand) + (needsParentheses(operand) ? 1 : 0);
  switch (query.kind) {
    case 'all':
    case 'term':
    case 'range':
      return 0;
    case 'not':
      return 1 + inner(query.operand);
    case 'and':
      return Math.max(0, ...query.operands.map(inner));
    case 'or':
      return Math.max(
        0,
        ...query.operands.map((operand) => (operand.kind === 'and' ? heightOf(operand) : inner(operand))),
      );
  }
}

/** Writes `field:(a OR b)` where the operands only ask for values of one field. */
function valueSet(operands: readonly Query[]): string | undefined {
  const [first] = operands;
  if (first === undefined || !('field' in first) || operands.length === 1) return undefined;
  const values: string[] = [];
  for (const operand of operands) {
    if (!('field' in operand) || operand.field !== first.field) return undefined;
    values.push(formatValue(operand));
  }
  return `${first.field}:(${values.join(' OR ')})`;
}

function formatValue(leaf: Term | Range): string {
  if (leaf.kind === 'range') return formatRange(leaf);
  return leaf.ignoreCase === true ? `~${formatPattern(leaf.pattern)}` : formatPattern(leaf.pattern);
}

function formatRange({ low, high }: Range): string {
  if (low !== null && high === null) return `>${formatBound(low)}`;
  if (low === null && high !== null) return `<${formatBound(high)}`;
  const from = low === null ? '[*' : `${low.inclusive ? '[' : '{'}${low.value}`;
  return `${from} TO ${high === null ? '*]' : `${high.value}${high.inclusive ? ']' : '}'}`}`;
}

function formatBound({ value, inclusive }: Bound): string {
  return `${inclusive ? '=' : ''}${value}`;
}

function formatPattern(pattern: Pattern): string {
  const [only] = pattern;
  if (only === undefined) return '""';
  if (pattern.length === 1 && only.kind === 'literal')
    return `"${only.text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
  return pattern
    .map((part, index) => {
      if (part.kind === 'any-run') return '*';
      if (part.kind === 'any-one') return '?';
      const text = part.text.replaceAll(/[\s()"*?\\]/g, String.raw`\$&`);
      return index === 0 ? text.replace(/^[<>~]/, String.raw`\$&`) : text;
    })
    .join('');
}
