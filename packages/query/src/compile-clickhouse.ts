import {
  ClickHouseParams,
  compileColumn,
  type ClickHouseColumn,
  type ColumnPredicate,
} from './compile-column.ts';
import type { Query, Range, Term } from './query.ts';

/** A condition and its bound parameters, named `p0`, `p1` and so on. */
export interface CompiledClickHouse {
  readonly sql: string;
  readonly params: Record<string, string | number | readonly string[]>;
}

/**
 * Compiles a query to a ClickHouse condition that selects exactly the rows that `matchQuery` matches.
 *
 * The condition is a UInt8, 0 or 1 and never NULL, so it can be used in any expression. Values reach ClickHouse only as
 * bound parameters. `columns` maps a field to its column; null means that the field is missing in every row.
 *
 * The equivalence holds for valid UTF-8 and the server's default of `allow_simdjson = 1`. Many long parameters can exceed
 * the length limit of URLs: configure the client with `use_multipart_params_auto`.
 */
export function compileClickHouse(
  query: Query,
  columns: (field: string) => ClickHouseColumn | null,
): CompiledClickHouse {
  const params = new ClickHouseParams();
  return { sql: compileNode(query, columns, params), params: params.values };
}

type Columns = (field: string) => ClickHouseColumn | null;

function compileNode(query: Query, columns: Columns, params: ClickHouseParams): string {
  switch (query.kind) {
    case 'all':
      return '1';
    case 'term':
    case 'range': {
      const column = columns(query.field);
      return column === null ? '0' : compileColumn(column, choosePredicate(query), params);
    }
    case 'not':
      return `NOT (${compileNode(query.operand, columns, params)})`;
    case 'and':
      return joinConditions(
        query.operands.map((operand) => compileNode(operand, columns, params)),
        ' AND ',
        '1',
      );
    case 'or':
      return joinConditions(compileAlternatives(query.operands, columns, params), ' OR ', '0');
  }
}

function joinConditions(conditions: readonly string[], operator: string, emptyCondition: string): string {
  return conditions.length > 1 ? `(${conditions.join(operator)})` : (conditions[0] ?? emptyCondition);
}

/** Compiles the operands of an OR. Exact values of the same field become a single membership test. */
function compileAlternatives(
  operands: readonly Query[],
  columns: Columns,
  params: ClickHouseParams,
): string[] {
  const values = new Map<string, string[]>();
  const others: Query[] = [];
  for (const operand of operands) {
    const value = findExactValue(operand);
    if (value === undefined) others.push(operand);
    else values.set(value.field, [...(values.get(value.field) ?? []), value.text]);
  }
  return [
    ...[...values].map(([field, texts]) => {
      const column = columns(field);
      return column === null ? '0' : compileColumn(column, { kind: 'values', texts }, params);
    }),
    ...others.map((operand) => compileNode(operand, columns, params)),
  ];
}

function choosePredicate(leaf: Term | Range): ColumnPredicate {
  if (leaf.kind === 'range') return leaf;
  const value = findExactValue(leaf);
  if (value !== undefined) return { kind: 'values', texts: [value.text] };
  return leaf.pattern.length === 1 && leaf.pattern[0]?.kind === 'any-run' ? { kind: 'exists' } : leaf;
}

/** Returns the text that a term compares for equality, or undefined if it has wildcards or ignores case. */
function findExactValue(query: Query): { readonly field: string; readonly text: string } | undefined {
  if (query.kind !== 'term' || query.ignoreCase === true || query.pattern.length > 1) return undefined;
  const [only] = query.pattern;
  if (only === undefined) return { field: query.field, text: '' };
  return only.kind === 'literal' ? { field: query.field, text: only.text } : undefined;
}
