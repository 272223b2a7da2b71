/** One piece of a value: literal text, `*` (any run of characters, also none) or `?` (exactly one). */
export type PatternPart =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'any-run' }
  | { readonly kind: 'any-one' };

/** What a field's value is compared with. A quoted value is one literal part; `field:""` has no part at all. */
export type Pattern = readonly PatternPart[];

/**
 * Asks for a value that fits a pattern; the pattern of one `*` asks only whether the field is there.
 * With `ignoreCase` the pattern's text has no A–Z and the value's A–Z count as a–z; other letters stay exact.
 */
export interface Term {
  readonly kind: 'term';
  readonly field: string;
  readonly pattern: Pattern;
  readonly ignoreCase?: true;
  readonly position: number;
}

/** One end of a range. */
export interface Bound {
  readonly value: number;
  readonly inclusive: boolean;
}

/** Asks for a decimal number between two ends, of which each may be open (null); a comparison has one end. */
export interface Range {
  readonly kind: 'range';
  readonly field: string;
  readonly low: Bound | null;
  readonly high: Bound | null;
  readonly position: number;
}

/** A parsed query. It is plain data: it can be stored, compared and sent. */
export type Query =
  | { readonly kind: 'all' }
  | Term
  | Range
  | { readonly kind: 'and'; readonly operands: readonly Query[] }
  | { readonly kind: 'or'; readonly operands: readonly Query[] }
  | { readonly kind: 'not'; readonly operand: Query };

/** Lists every field that a query names, each once, in the order of first mention. */
export function fieldsOf(query: Query): readonly string[] {
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
