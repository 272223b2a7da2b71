import { parseDecimal } from './parse-decimal.ts';
import { foldAscii } from './fold-ascii.ts';
import { matchPattern } from './match-pattern.ts';
import type { Query, Range, Term } from './query.ts';

/**
 * Returns the value or values of a field, any of which may match. Undefined and an empty list both mean that the field
 * is missing.
 */
export type FieldLookup = (field: string) => string | readonly string[] | undefined;

/**
 * Whether an object matches a query. A term never matches a missing field, so `NOT field:value` matches an object
 * without the field, and `field:*` tests whether the field exists.
 *
 * Worst-case cost: O(terms × value length × pattern length), where the value length is the sum over all values of a
 * field. No input causes exponential backtracking.
 */
export function matchQuery(query: Query, lookup: FieldLookup): boolean {
  switch (query.kind) {
    case 'all':
      return true;
    case 'term':
    case 'range': {
      const value = lookup(query.field);
      if (value === undefined) return false;
      if (typeof value === 'string') return matchValue(query, value);
      return value.some((element) => matchValue(query, element));
    }
    case 'and':
      return query.operands.every((operand) => matchQuery(operand, lookup));
    case 'or':
      return query.operands.some((operand) => matchQuery(operand, lookup));
    case 'not':
      return !matchQuery(query.operand, lookup);
  }
}

function matchValue(leaf: Term | Range, value: string): boolean {
  if (leaf.kind === 'term')
    return matchPattern(leaf.pattern, leaf.ignoreCase === true ? foldAscii(value) : value);
  const number = parseDecimal(value);
  return number !== undefined && isWithin(leaf, number);
}

function isWithin({ low, high }: Range, value: number): boolean {
  if (low !== null && !(low.inclusive ? value >= low.value : value > low.value)) return false;
  return high === null || (high.inclusive ? value <= high.value : value < high.value);
}
