import type { Pattern } from './query.ts';

/**
 * Tells whether a whole value fits a pattern. Both are read as code points: `?` stands for one, so also for one
 * emoji, and half of a surrogate pair in a pattern never fits into a whole one.
 */
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
    } else if (current.kind === 'literal' && fitsAt(current.text, value, at)) {
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

function fitsAt(literal: string, value: string, at: number): boolean {
  if (!value.startsWith(literal, at)) return false;
  const end = at + literal.length;
  return end === 0 || end >= value.length || widthAt(value, end - 1) === 1;
}

function widthAt(value: string, at: number): number {
  return (value.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}
