import type { Pattern, Query } from './query.ts';

/** Gives the value of a field, or undefined where the object has no such field. */
export type FieldLookup = (field: string) => string | undefined;

/**
 * Tells whether an object matches a query. A term on a missing field never matches, so `NOT field:value`
 * matches an object without the field and `field:*` asks whether it is there.
 *
 * Cost: O(terms × value length × pattern length) at worst; there is no backtracking expression to blow up.
 */
export function matchQuery(query: Query, lookup: FieldLookup): boolean {
  switch (query.kind) {
    case 'all':
      return true;
    case 'term': {
      const value = lookup(query.field);
      return value !== undefined && matchPattern(query.pattern, value);
    }
    case 'and':
      return query.operands.every((operand) => matchQuery(operand, lookup));
    case 'or':
      return query.operands.some((operand) => matchQuery(operand, lookup));
    case 'not':
      return !matchQuery(query.operand, lookup);
  }
}

/** Tells whether a whole value fits a pattern. `?` stands for one code point, so also for one emoji. */
export function matchPattern(pattern: Pattern, value: string): boolean {
  const [only] = pattern;
  if (only === undefined) return value === '';
  if (pattern.length === 1 && only.kind === 'literal') return only.text === value;
  return matchWildcards(pattern, value);
}

/**
 * Greedy matching with one point to return to: after a mismatch only the latest `*` takes one character more,
 * which is enough because whatever an earlier `*` could give, the later one can take.
 */
function matchWildcards(pattern: Pattern, value: string): boolean {
  let part = 0;
  let at = 0;
  let starPart = -1;
  let starAt = 0;
  for (;;) {
    const current = pattern[part];
    if (current === undefined) {
      if (at === value.length) return true;
    } else if (current.kind === 'any-run') {
      starPart = part++;
      starAt = at;
      continue;
    } else if (current.kind === 'any-one' && at < value.length) {
      at += widthAt(value, at);
      part++;
      continue;
    } else if (current.kind === 'literal' && value.startsWith(current.text, at)) {
      at += current.text.length;
      part++;
      continue;
    }
    if (starPart < 0 || starAt >= value.length) return false;
    starAt += widthAt(value, starAt);
    at = starAt;
    part = starPart + 1;
  }
}

function widthAt(value: string, at: number): number {
  return (value.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}
