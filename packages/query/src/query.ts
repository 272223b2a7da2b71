/** One part of a pattern: literal text, `*` (any sequence of characters, even none) or `?` (exactly one character). */
export type PatternPart =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'any-run' }
  | { readonly kind: 'any-one' };

/** The pattern that a term matches a value against. A quoted value is one literal part; `field:""` has no parts. */
export type Pattern = readonly PatternPart[];

/**
 * Matches a value against a pattern; a lone `*` tests only whether the field exists. With `ignoreCase`, the literal
 * text of the pattern is lowercased and the A–Z of a value match as a–z; all other characters are compared exactly.
 */
export interface Term {
  readonly kind: 'term';
  readonly field: string;
  readonly pattern: Pattern;
  readonly ignoreCase?: true;
  readonly position: number;
}

/** One bound of a range. */
export interface Bound {
  readonly value: number;
  readonly inclusive: boolean;
}

/** Matches a decimal number between two bounds; null means unbounded. A comparison has one bound. */
export interface Range {
  readonly kind: 'range';
  readonly field: string;
  readonly low: Bound | null;
  readonly high: Bound | null;
  readonly position: number;
}

/** A parsed query: plain data that can be stored, compared and serialized. */
export type Query =
  | { readonly kind: 'all' }
  | Term
  | Range
  | { readonly kind: 'and'; readonly operands: readonly Query[] }
  | { readonly kind: 'or'; readonly operands: readonly Query[] }
  | { readonly kind: 'not'; readonly operand: Query };

/** Lists the fields that a query refers to, without duplicates, in order of first use. */
export function listFields(query: Query): readonly string[] {
  const fields = new Set<string>();
  const visit = (node: Query): void => {
    switch (node.kind) {
      case 'all':
        return;
      case 'term':
      case 'range':
        fields.add(node.field);
        return;
      case 'not':
        visit(node.operand);
        return;
      case 'and':
      case 'or':
        node.operands.forEach(visit);
    }
  };
  visit(query);
  return [...fields];
}
