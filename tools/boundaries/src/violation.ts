/** A broken rule at one place. */
export interface Violation {
  /** Relative to the workspace. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly rule: string;
  /** What is wrong. */
  readonly problem: string;
  /** What to do. */
  readonly fix: string;
}

/** Writes a violation as one line that starts as a place which editors can open. */
export function formatViolation({ file, line, rule, problem, fix }: Violation): string {
  return `${file}:${line} [${rule}] ${problem}; ${fix}`;
}

/** Sorts by file, line and text and drops repetitions. */
export function sortViolations(violations: readonly Violation[]): readonly Violation[] {
  const sorted = violations.toSorted(
    (a, b) => compare(a.file, b.file) || a.line - b.line || compare(formatViolation(a), formatViolation(b)),
  );
  return sorted.filter(
    (violation, index) =>
      index === 0 || formatViolation(violation) !== formatViolation(sorted[index - 1] ?? violation),
  );
}

function compare(a: string, b: string) {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
