/**
 * @typedef {import('./check-dispatch.js').Verdict} Verdict
 * @typedef {import('./break-things.js').BreakReport} BreakReport
 */

/** Lines of one kind of violation that are printed. */
const EXAMPLES = 8;

/**
 * The report of a run: lines for a reader, one line of JSON, and whether it passed.
 * @param {Verdict} verdict
 * @param {Pick<BreakReport, 'kills' | 'scanning' | 'together' | 'idle'>} breaks
 * @param {{ seed: number, alerts: number, acknowledged: number, durationMs: number, settledMs: number }} run
 * @returns {{ lines: readonly string[], json: string, passed: boolean }}
 */
export function reportRun({ counts, violations }, { kills, scanning, together, idle }, run) {
  const all = [...Object.entries(violations), ['idle', idle]];
  const lines = all.flatMap(([kind, found]) => {
    const list = Array.isArray(found) ? found.map(String) : [];
    const more = list.length - EXAMPLES;
    return [
      ...list.slice(0, EXAMPLES).map((line) => `${String(kind)}: ${line}`),
      ...(more > 0 ? [`${String(kind)}: and ${more} more`] : []),
    ];
  });
  const passed = lines.length === 0;
  const killed = Object.values(kills).reduce((sum, count) => sum + count, 0);
  const seconds = Math.round(run.durationMs / 1000);
  lines.push(
    `chaos dispatch ${passed ? 'passed' : 'FAILED'}: ${killed} kills in ${seconds} s, ${counts.expected} notifications expected, ` +
      `${counts.received} received (${counts.renotified} of them repetitions that may be), ${violations.lost.length} lost, ` +
      `${violations.reordered.length} reordered, ${counts.duplicates} duplicates, ` +
      `${violations.duplicatesWithoutUncertain.length} of them for no reason, ${violations.unexplained.length} unexplained`,
  );
  const figures = {
    scenario: 'dispatch',
    passed,
    seed: run.seed,
    alerts: run.alerts,
    acknowledged: run.acknowledged,
    ...counts,
    forgotten: violations.forgotten.length,
    storedTwice: violations.storedTwice.length,
    lost: violations.lost.length,
    unexpected: violations.unexpected.length,
    reordered: violations.reordered.length,
    duplicatesWithoutUncertain: violations.duplicatesWithoutUncertain.length,
    wrongStates: violations.wrongStates.length,
    unsettled: violations.unsettled.length,
    unexplained: violations.unexplained.length,
    idle: idle.length,
    kills,
    killsInScan: scanning,
    killsTogether: together,
    settledMs: Math.round(run.settledMs),
    durationMs: Math.round(run.durationMs),
  };
  return { lines, json: JSON.stringify(figures), passed };
}
