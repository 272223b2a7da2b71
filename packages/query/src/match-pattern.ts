import type { Pattern } from './query.ts';

/**
 * Whether a pattern matches a whole value. Both are compared by code points: `?` matches exactly one, for example one
 * emoji, and a lone surrogate in a pattern never matches half of a surrogate pair.
 */
export function matchPattern(pattern: Pattern, value: string): boolean {
  const [only] = pattern;
  if (only === undefined) return value === '';
  if (pattern.length === 1 && only.kind === 'literal') return only.text === value;
  return matchWildcards(pattern, value);
}

/**
 * Matches greedily with a single backtracking point: after a mismatch, only the latest `*` consumes one more
 * character. That is sufficient, because the latest `*` can consume anything that an earlier one could.
 */
function matchWildcards(pattern: Pattern, value: string): boolean {
  let part = 0;
  let offset = 0;
  let starPart = -1;
  let starOffset = 0;
  for (;;) {
    const current = pattern[part];
    if (current === undefined) {
      if (offset === value.length) return true;
    } else if (current.kind === 'any-run') {
      starPart = part++;
      starOffset = offset;
      continue;
    } else if (current.kind === 'any-one' && offset < value.length) {
      offset += countUnits(value, offset);
      part++;
      continue;
    } else if (current.kind === 'literal' && hasLiteralAt(current.text, value, offset)) {
      offset += current.text.length;
      part++;
      continue;
    }
    if (starPart < 0 || starOffset >= value.length) return false;
    starOffset += countUnits(value, starOffset);
    offset = starOffset;
    part = starPart + 1;
  }
}

function hasLiteralAt(literal: string, value: string, offset: number): boolean {
  if (!value.startsWith(literal, offset)) return false;
  const end = offset + literal.length;
  return end === 0 || end >= value.length || countUnits(value, end - 1) === 1;
}

function countUnits(value: string, offset: number): number {
  return (value.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1;
}
