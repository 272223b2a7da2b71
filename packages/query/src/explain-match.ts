import { matchQuery, type FieldLookup } from './match-query.ts';
import type { Query } from './query.ts';

/** Whether an object matched, and the part of the query that decided it. */
export interface MatchExplanation {
  readonly matched: boolean;
  readonly because: Query;
}

/**
 * Matches as `matchQuery` does, at its cost, and names the part of the query that decided.
 *
 * A match of `AND` and a miss of `OR` take all operands, so the whole is named; a miss of `AND` and a match of `OR`
 * are explained by the first operand that decided. `NOT` is named as it stands. `formatQuery(because)` is readable.
 */
export function explainMatch(query: Query, lookup: FieldLookup): MatchExplanation {
  switch (query.kind) {
    case 'all':
    case 'term':
    case 'range':
    case 'not':
      return { matched: matchQuery(query, lookup), because: query };
    case 'and':
    case 'or': {
      const deciding = query.kind === 'or';
      for (const operand of query.operands) {
        const explanation = explainMatch(operand, lookup);
        if (explanation.matched === deciding) return explanation;
      }
      return { matched: !deciding, because: query };
    }
  }
}
