import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatQuery } from './format-query.ts';
import { matchPattern, matchQuery } from './match-query.ts';
import { parseQuery } from './parse-query.ts';
import type { Pattern, PatternPart, Query } from './query.ts';

const pod: Record<string, string> = {
  monitor: 'pod-restarts',
  severity: 'critical',
  namespace: 'payments',
  note: '',
};
const lookup = (field: string): string | undefined => pod[field];

describe('an object matches', () => {
  test.each([
    ['*', true],
    ['severity:critical', true],
    ['severity:Critical', false],
    ['severity:crit*', true],
    ['severity:*cal', true],
    ['severity:c*t*l', true],
    ['severity:c?itical', true],
    ['severity:"crit*"', false],
    ['severity:critical namespace:billing', false],
    ['severity:critical OR namespace:billing', true],
    ['NOT namespace:billing', true],
    ['team:*', false],
    ['NOT team:*', true],
    ['NOT team:a', true],
    ['note:""', true],
    ['note:*', true],
    ['note:?', false],
    ['severity:critical NOT (namespace:payments OR team:x)', false],
  ])('%s: %s', (text, expected) => {
    expect(matchQuery(parseQuery(text), lookup)).toBe(expected);
  });
});

const part: fc.Arbitrary<PatternPart> = fc.oneof(
  fc.record({
    kind: fc.constant('literal' as const),
    text: fc.string({
      unit: fc.constantFrom('a', 'b', ' ', '*', '\\', '"', '😀'),
      minLength: 1,
      maxLength: 3,
    }),
  }),
  fc.constant({ kind: 'any-run' as const }),
  fc.constant({ kind: 'any-one' as const }),
);

function normalized(parts: readonly PatternPart[]): Pattern {
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

const pattern = fc.array(part, { maxLength: 6 }).map(normalized);

test('wildcards agree with the equivalent regular expression on short input', () => {
  fc.assert(
    fc.property(
      pattern,
      fc.string({ unit: fc.constantFrom('a', 'b', ' ', '*', '😀'), maxLength: 8 }),
      (parts, value) => {
        const source = parts
          .map((p) =>
            p.kind === 'any-run'
              ? '[^]*'
              : p.kind === 'any-one'
                ? '[^]'
                : p.text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`),
          )
          .join('');
        expect(matchPattern(parts, value)).toBe(new RegExp(`^${source}$`, 'u').test(value));
      },
    ),
    { numRuns: 2000 },
  );
});

test('a pattern that blows up backtracking engines is matched at once', () => {
  const parts = parseQuery(`f:${'*a'.repeat(200)}*b`);
  expect(matchQuery(parts, () => 'a'.repeat(20_000))).toBe(false);
});

const query: fc.Arbitrary<Query> = fc.letrec<{ query: Query }>((tie) => ({
  query: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.record({
      kind: fc.constant('term' as const),
      field: fc.constantFrom('monitor', 'label.x', 'a_b'),
      pattern,
      position: fc.constant(0),
    }),
    fc.constant({ kind: 'all' as const }),
    fc.record({ kind: fc.constant('not' as const), operand: tie('query') }),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      operands: fc.array(tie('query'), { minLength: 2, maxLength: 3 }),
    }),
  ),
})).query;

function withoutPositions(node: Query): unknown {
  if (node.kind === 'term') return { ...node, position: 0 };
  if (node.kind === 'not') return { ...node, operand: withoutPositions(node.operand) };
  return node.kind === 'all' ? node : { ...node, operands: node.operands.map(withoutPositions) };
}

test('a formatted query parses to an equal one', () => {
  fc.assert(
    fc.property(query, (node) => {
      expect(withoutPositions(parseQuery(formatQuery(node)))).toEqual(withoutPositions(node));
    }),
    { numRuns: 1000 },
  );
});

test('any text either parses or is refused with a position inside it', () => {
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom('a', ':', '(', ')', '"', ' ', '*', '\\', 'AND', 'NOT', 'OR', '1'),
        maxLength: 12,
      }),
      (text) => {
        try {
          parseQuery(text);
        } catch (error) {
          expect(error).toMatchObject({ name: 'QueryError', position: expect.any(Number) });
          expect((error as { position: number }).position).toBeLessThanOrEqual(text.length);
        }
      },
    ),
    { numRuns: 2000 },
  );
});
