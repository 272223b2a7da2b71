import fc from 'fast-check';
import { foldAscii } from '../fold-ascii.ts';
import type { Bound, Pattern, PatternPart, Query, Range, Term } from '../query.ts';

/** A small alphabet, so that patterns often match values; every character is special to some engine. */
const CHARACTER = fc.constantFrom(
  ...'a a b A B é É 😀 漢 0 1'.split(' '),
  ...String.raw`% _ \ " ' * ? ( ) [ ~ > { } . $ ^ + |`.split(' '),
  ...' |\n|\r|\t|\0|\u00A0|\u0301|\u212A|\uFFFF'.split('|'),
);

/** Texts that some parsers read as numbers. */
export const NUMBER_LIKE: readonly string[] = [
  ...'0 -0 +0 1 +1 -1 01 1.0 1.50 1e0 1E+0 10e-1 0.1 0.30000000000000004 5.35 1e23'.split(' '),
  ...'.5 5. 1e e1 - --1 +-1 0x10 0b1 1_000 1,5 1n ١ Infinity inf -inf nan NaN'.split(' '),
  ...'1e400 -1e400 1e-400 0e999999999999 1e99999999999 1e-99999999999'.split(' '),
  ...'1.7976931348623157e308 1.7976931348623159e308 5e-324 2.4703282292062327e-324'.split(' '),
  ...'9007199254740992 9007199254740993 18446744073709551615 18446744073709551616'.split(' '),
  ...' 1|1 |1\n|\n1|1\0'.split('|'),
  ...[98, 99, 100].flatMap((length) => [`${'0'.repeat(length)}1`, `1${'1'.repeat(length)}`]),
  `0.${'3'.repeat(98)}`,
];

/** A value: a short text over the alphabet, or one that resembles a number. */
export const arbitraryText: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('', 'a', 'b', 'A', 'ab', 'aB', 'é', 'É', '%', '_', '\\', 'a\nb') },
  { weight: 3, arbitrary: fc.string({ unit: CHARACTER, maxLength: 4 }) },
  { weight: 2, arbitrary: fc.constantFrom(...NUMBER_LIKE) },
);

const part: fc.Arbitrary<PatternPart> = fc.oneof(
  fc.record({
    kind: fc.constant('literal' as const),
    text: fc.oneof(
      fc.constantFrom('a', 'b', 'A'),
      fc.string({ unit: CHARACTER, minLength: 1, maxLength: 3 }),
    ),
  }),
  fc.constant({ kind: 'any-run' as const }),
  fc.constant({ kind: 'any-one' as const }),
);

/** A pattern as the parser produces it: no empty literal, and no adjacent literals or runs. */
export const arbitraryPattern: fc.Arbitrary<Pattern> = fc.oneof(
  arbitraryText.map((text): Pattern => (text === '' ? [] : [{ kind: 'literal', text }])),
  fc.array(part, { maxLength: 5 }).map(normalizeParts),
);

function normalizeParts(parts: readonly PatternPart[]): Pattern {
  const result: PatternPart[] = [];
  for (const next of parts) {
    const last = result.at(-1);
    if (next.kind === 'any-run' && last?.kind === 'any-run') continue;
    if (next.kind === 'literal' && last?.kind === 'literal')
      result[result.length - 1] = { kind: 'literal', text: last.text + next.text };
    else result.push(next);
  }
  return result;
}

const bound: fc.Arbitrary<Bound | null> = fc.option(
  fc.record({
    value: fc.oneof(
      fc.constantFrom(0, 1, -1, 1.5, 0.1, 0.3, 5.35, 1e21, 1e23, 2 ** 53, 5e-324, Number.MAX_VALUE),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
    ),
    inclusive: fc.boolean(),
  }),
);

function arbitraryTerm(field: fc.Arbitrary<string>): fc.Arbitrary<Term> {
  return fc
    .record({ field, pattern: arbitraryPattern, ignoreCase: fc.boolean() })
    .map(({ ignoreCase, pattern, ...rest }): Term => {
      const plain = { kind: 'term' as const, ...rest, position: 0 };
      if (!ignoreCase || (pattern.length === 1 && pattern[0]?.kind === 'any-run'))
        return { ...plain, pattern };
      const folded = pattern.map((one) =>
        one.kind === 'literal' ? { kind: one.kind, text: foldAscii(one.text) } : one,
      );
      return { ...plain, pattern: folded, ignoreCase };
    });
}

/** A query as the parser produces it, except that all positions are 0. */
export function arbitraryQuery(fields: readonly [string, ...string[]]): fc.Arbitrary<Query> {
  const field = fc.constantFrom(...fields);
  const range: fc.Arbitrary<Range> = fc
    .record({ kind: fc.constant('range' as const), field, low: bound, high: bound })
    .map((leaf) => ({ ...leaf, position: 0 }));
  const set = field.chain((one) =>
    fc.record({
      kind: fc.constant('or' as const),
      operands: fc.array(fc.oneof(arbitraryTerm(fc.constant(one)), range), { minLength: 2, maxLength: 3 }),
    }),
  );
  return fc.letrec<{ query: Query }>((tie) => ({
    query: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      { weight: 4, arbitrary: arbitraryTerm(field) },
      { weight: 2, arbitrary: range },
      { weight: 1, arbitrary: set },
      { weight: 1, arbitrary: fc.constant({ kind: 'all' as const }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('not' as const), operand: tie('query') }) },
      {
        weight: 4,
        arbitrary: fc.record({
          kind: fc.constantFrom('and' as const, 'or' as const),
          operands: fc.array(tie('query'), { minLength: 2, maxLength: 3 }),
        }),
      },
    ),
  })).query;
}

/** Sets every position to 0, so that a parsed query can be compared with a generated one. */
export function stripPositions(query: Query): Query {
  switch (query.kind) {
    case 'all':
      return query;
    case 'term':
    case 'range':
      return { ...query, position: 0 };
    case 'not':
      return { ...query, operand: stripPositions(query.operand) };
    case 'and':
    case 'or':
      return { ...query, operands: query.operands.map(stripPositions) };
  }
}
