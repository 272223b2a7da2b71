import { formatField, formatLeaf, formatValue } from './format-leaf.ts';
import { MAX_QUERY_DEPTH } from './parse-query.ts';
import type { Query } from './query.ts';

/**
 * Formats a query in its canonical form. Parsing the result, also with `strict`, returns an equal query, unless the
 * result exceeds `MAX_QUERY_LENGTH`: the canonical form can be longer than the text that was parsed.
 */
export function formatQuery(query: Query): string {
  return formatNode(query, 0);
}

function formatNode(query: Query, depth: number): string {
  switch (query.kind) {
    case 'all':
      return '*';
    case 'term':
    case 'range':
      return formatLeaf(query);
    case 'not':
      return `NOT ${formatOperand(query.operand, depth + 1)}`;
    case 'and':
      return query.operands.map((operand) => formatOperand(operand, depth)).join(' AND ');
    case 'or':
      return (
        formatValueSet(query.operands) ??
        query.operands
          .map((operand) =>
            // These parentheses only help the reader. They are omitted if they would exceed the parser's depth limit.
            operand.kind === 'and' && depth + 1 + measureHeight(operand) > MAX_QUERY_DEPTH
              ? formatNode(operand, depth)
              : formatOperand(operand, depth),
          )
          .join(' OR ')
      );
  }
}

function formatOperand(query: Query, depth: number): string {
  return needsParentheses(query) ? `(${formatNode(query, depth + 1)})` : formatNode(query, depth);
}

function needsParentheses(query: Query): boolean {
  return query.kind === 'and' || (query.kind === 'or' && formatValueSet(query.operands) === undefined);
}

/** Counts the nesting levels that the formatted query has; an AND directly inside an OR adds none. */
function measureHeight(query: Query): number {
  const inner = (operand: Query): number => measureHeight(operand) + (needsParentheses(operand) ? 1 : 0);
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
        ...query.operands.map((operand) =>
          operand.kind === 'and' ? measureHeight(operand) : inner(operand),
        ),
      );
  }
}

/** Formats the operands of an OR as `field:(a OR b)`; undefined unless all of them test the same field. */
function formatValueSet(operands: readonly Query[]): string | undefined {
  const [first] = operands;
  if (first === undefined || !('field' in first) || operands.length === 1) return undefined;
  const values: string[] = [];
  for (const operand of operands) {
    if (!('field' in operand) || operand.field !== first.field) return undefined;
    values.push(formatValue(operand));
  }
  return `${formatField(first.field)}:(${values.join(' OR ')})`;
}
