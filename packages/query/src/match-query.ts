import { MAX_DECIMAL_LENGTH, parseDecimal } from './parse-decimal.ts';
import { matchPattern } from './match-pattern.ts';
import type { Query, Range, Term } from './query.ts';
import { countTextSteps, type StepMeter } from './step-meter.ts';

/**
 * Returns the value or values of a field, any of which may match. Undefined and an empty list both mean that the field
 * is missing. A lookup whose cost depends on the data counts it with the meter.
 */
export type FieldLookup = (field: string, meter?: StepMeter) => string | readonly string[] | undefined;

/**
 * Whether an object matches a query. A term never matches a missing field, so `NOT field:value` matches an object
 * without the field, and `field:*` tests whether the field exists.
 *
 * Worst-case cost: for each term, O(value length × (1 + pattern length / 32)), where the value length is the sum over
 * all values of a field. A meter bounds the cost of the whole match.
 *
 * @throws {StepLimitError} if the meter has too few steps left.
 */
export function matchQuery(query: Query, lookup: FieldLookup, meter?: StepMeter): boolean {
  meter?.take(1);
  switch (query.kind) {
    case 'all':
      return true;
    case 'term':
    case 'range': {
      const value = lookup(query.field, meter);
      if (value === undefined) return false;
      if (typeof value === 'string') return matchValue(query, value, meter);
      return value.some((element) => matchValue(query, element, meter));
    }
    case 'and':
      return query.operands.every((operand) => matchQuery(operand, lookup, meter));
    case 'or':
      return query.operands.some((operand) => matchQuery(operand, lookup, meter));
    case 'not':
      return !matchQuery(query.operand, lookup, meter);
  }
}

function matchValue(leaf: Term | Range, value: string, meter: StepMeter | undefined): boolean {
  if (leaf.kind === 'term')
    return matchPattern(leaf.pattern, value, { ignoreCase: leaf.ignoreCase === true, meter });
  meter?.take(countTextSteps(Math.min(value.length, MAX_DECIMAL_LENGTH)));
  const number = parseDecimal(value);
  return number !== undefined && isWithin(leaf, number);
}

function isWithin({ low, high }: Range, value: number): boolean {
  if (low !== null && !(low.inclusive ? value >= low.value : value > low.value)) return false;
  return high === null || (high.inclusive ? value <= high.value : value < high.value);
}
