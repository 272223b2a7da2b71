import { matchQuery, type FieldLookup } from './match-query.ts';
import type { Query } from './query.ts';
import type { StepMeter } from './step-meter.ts';

/** Whether an object matched, and the clause of the query that decided it. */
export interface MatchExplanation {
  readonly matched: boolean;
  readonly clause: Query;
}

/**
 * Matches like `matchQuery`, at the same cost, and also returns the clause of the query that decided the result.
 *
 * A matching `AND` and a failing `OR` depend on all their operands, so the clause is the whole expression. A failing
 * `AND` and a matching `OR` are decided by one operand; the clause is taken from the first such operand. A `NOT` is
 * returned whole. Use `formatQuery(clause)` to display the clause.
 *
 * @throws {StepLimitError} if the meter has too few steps left.
 */
export function explainMatch(query: Query, lookup: FieldLookup, meter?: StepMeter): MatchExplanation {
  switch (query.kind) {
    case 'all':
    case 'term':
    case 'range':
    case 'not':
      return { matched: matchQuery(query, lookup, meter), clause: query };
    case 'and':
    case 'or': {
      meter?.take(1);
      const deciding = query.kind === 'or';
      for (const operand of query.operands) {
        const explanation = explainMatch(operand, lookup, meter);
        if (explanation.matched === deciding) return explanation;
      }
      return { matched: !deciding, clause: query };
    }
  }
}
