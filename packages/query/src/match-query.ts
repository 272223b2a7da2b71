import { decimalOf } from './decimal.ts';
import { foldAscii } from './ignore-case.ts';
import { matchPattern } from './match-pattern.ts';
import type { Query, Range, Term } from './query.ts';

/**
 * Gives the value of a field, or undefined where the object has no such field. Of several values any may match;
 * none at all means that the field is not there.
 */
export type FieldLookup = (field: string) => string | readonly string[] | undefined;

/**
 * Tells whether an object matches a query. A term on a missing field never matches, so `NOT field:value`
 * matches an object without the field and `field:*` asks whether it is there.
 *
 * Cost: O(terms × value length × pattern length) at worst, with the lengths of a field's values added up; there
 * is no backtracking expression to blow up.
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
  const number = decimalOf(value);
  return number !== undefined && isWithin(leaf, number);
}

function isWithin({ low, high }: Range, value: number): boolean {
  if (low !== null && !(low.inclusive ? value >= low.value : value > low.value)) return false;
  return high === null || (high.inclusive ? value <= high.value : value < high.value);
}
