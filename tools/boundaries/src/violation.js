/**
 * A broken rule at one place.
 *
 * @typedef {object} Violation
 * @property {string} file relative to the workspace
 * @property {number} line from 1
 * @property {string} rule
 * @property {string} problem what is wrong
 * @property {string} fix what to do
 */

/**
 * Writes a violation as one line that starts as a place which editors can open.
 * @param {Violation} violation
 * @returns {string}
 */
export function formatViolation({ file, line, rule, problem, fix }) {
  return `${file}:${line} [${rule}] ${problem}; ${fix}`;
}

/**
 * Sorts by file, line and text and drops repetitions.
 * @param {readonly Violation[]} violations
 * @returns {readonly Violation[]}
 */
export function sortViolations(violations) {
  const sorted = violations.toSorted(
    (a, b) => compare(a.file, b.file) || a.line - b.line || compare(formatViolation(a), formatViolation(b)),
  );
  return sorted.filter(
    (violation, index) =>
      index === 0 || formatViolation(violation) !== formatViolation(sorted[index - 1] ?? violation),
  );
}

/**
 * @param {string} a
 * @param {string} b
 */
function compare(a, b) {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
