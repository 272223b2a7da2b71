import {
  ClickHouseParams,
  columnCondition,
  type ClickHouseColumn,
  type ColumnQuestion,
} from './clickhouse-condition.ts';
import type { Query, Range, Term } from './query.ts';

/** A condition with its bound parameters, which are named `p0`, `p1`, …. */
export interface CompiledClickHouse {
  readonly sql: string;
  readonly params: Record<string, string | number | readonly string[]>;
}

/**
 * Compiles a query to a ClickHouse condition that holds for the rows that `matchQuery` matches.
 *
 * The condition is a UInt8, 0 or 1 and never NULL, so it can stand in any expression. Values reach ClickHouse only
 * as bound parameters. `columns` says how a field is read; null means that no row has the field.
 *
 * Both readings agree on text that is valid UTF-8, with the server's default `allow_simdjson = 1`.
 */
export function compileClickHouse(
  query: Query,
  columns: (field: string) => ClickHouseColumn | null,
): CompiledClickHouse {
  const params = new ClickHouseParams();
  return { sql: compiled(query, columns, params), params: params.values };
}

type Columns = (field: string) => ClickHouseColumn | null;

function compiled(query: Query, columns: Columns, params: ClickHouseParams): string {
  switch (query.kind) {
    case 'all':
      return '1';
    case 'term':
    case 'range': {
      const column = columns(query.field);
      return column === null ? '0' : columnCondition(column, questionOf(query), params);
    }
    case 'not':
      return `NOT (${compiled(query.operand, columns, params)})`;
    case 'and':
      return joined(
        query.operands.map((operand) => compiled(operand, columns, params)),
        ' AND ',
        '1',
      );
    case 'or':
      return joined(alternatives(query.operands, columns, params), ' OR ', '0');
  }
}

function joined(conditions: readonly string[], operator: string, none: string): string {
  return conditions.length > 1 ? `(${conditions.join(operator)})` : (conditions[0] ?? none);
}

/** Compiles the operands of an OR, with the values that one field is compared with gathered into one list. */
function alternatives(operands: readonly Query[], columns: Columns, params: ClickHouseParams): string[] {
  const values = new Map<string, string[]>();
  const others: Query[] = [];
  for (const operand of operands) {
    const value = wholeValue(operand);
    if (value === undefined) others.push(operand);
    else values.set(value.field, [...(values.get(value.field) ?? []), value.text]);
  }
  return [
    ...[...values].map(([field, texts]) => {
      const column = columns(field);
      return column === null ? '0' : columnCondition(column, { kind: 'values', texts }, params);
    }),
    ...others.map((operand) => compiled(operand, columns, params)),
  ];
}

function questionOf(leaf: Term | Range): ColumnQuestion {
  if (leaf.kind === 'range') return leaf;
  const value = wholeValue(leaf);
  if (value !== undefined) return { kind: 'values', texts: [value.text] };
  return leaf.pattern.length === 1 && leaf.pattern[0]?.kind === 'any-run' ? { kind: 'exists' } : leaf;
}

/** Gives the text that a term compares the whole value with, where it is one and case counts. */
function wholeValue(query: Query): { readonly field: string; readonly text: string } | undefined {
  if (query.kind !== 'term' || query.ignoreCase === true || query.pattern.length > 1) return undefined;
  const [only] = query.pattern;
  if (only === undefined) return { field: query.field, text: '' };
  return only.kind === 'literal' ? { field: query.field, text: only.text } : undefined;
}
