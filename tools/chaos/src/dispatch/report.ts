import type { BreakReport } from './break-things.ts';
import type { Verdict } from './check-dispatch.ts';

/** The conditions of a run, apart from its findings. */
export interface RunFacts {
  readonly seed: number;
  readonly alerts: number;
  readonly acknowledged: number;
  /** Faults that the receiver played, and connections that were cut on the way to it. */
  readonly networkFaults: number;
  readonly durationMs: number;
  readonly settledMs: number;
}

export interface RunReport {
  /** For a reader. */
  readonly lines: readonly string[];
  /** The last line of the run. */
  readonly json: string;
  readonly passed: boolean;
}

/** Lines of one kind of violation that are printed. */
const EXAMPLES = 8;

/** Reports a run: lines for a reader, one line of JSON, and whether it passed. */
export function reportRun({ counts, violations }: Verdict, breaks: BreakReport, run: RunFacts): RunReport {
  const all: Readonly<Record<string, readonly string[]>> = { ...violations, idle: breaks.idle };
  const lines = Object.entries(all).flatMap(([kind, found]) => {
    const more = found.length - EXAMPLES;
    return [
      ...found.slice(0, EXAMPLES).map((line) => `${kind}: ${line}`),
      ...(more > 0 ? [`${kind}: and ${more} more`] : []),
    ];
  });
  const passed = lines.length === 0;
  const kills = Object.values(breaks.kills).reduce((sum, count) => sum + count, 0);
  const faults = run.networkFaults + breaks.freezes + breaks.silences;
  const seconds = Math.round(run.durationMs / 1000);
  lines.push(
    `chaos dispatch ${passed ? 'passed' : 'FAILED'}: ${kills} kills and ${faults} faults in ${seconds} s; ` +
      `${counts.expected} notifications expected, ${counts.received} received (${counts.renotified} of them renotifications), ` +
      `${violations.lost.length} lost, ${violations.reordered.length} reordered, ${counts.duplicates} duplicates ` +
      `(${violations.duplicatesWithoutUncertain.length} without doubt), ${violations.unexplained.length} unexplained`,
  );
  const figures = {
    scenario: 'dispatch',
    passed,
    kills,
    faults,
    lost: violations.lost.length,
    reordered: violations.reordered.length,
    late: violations.late.length,
    duplicates: counts.duplicates,
    unexplained: violations.unexplained.length,
    seed: run.seed,
    alerts: run.alerts,
    acknowledged: run.acknowledged,
    streams: counts.streams,
    expected: counts.expected,
    received: counts.received,
    renotified: counts.renotified,
    dropped: counts.dropped,
    assumed: counts.assumed,
    refusedAfterReceipt: counts.refusedAfterReceipt,
    forgotten: violations.forgotten.length,
    storedTwice: violations.storedTwice.length,
    unexpected: violations.unexpected.length,
    duplicatesWithoutUncertain: violations.duplicatesWithoutUncertain.length,
    wrongStates: violations.wrongStates.length,
    unsettled: violations.unsettled.length,
    idle: breaks.idle.length,
    killsByVictim: breaks.kills,
    killsInScan: breaks.scanning,
    killsTogether: breaks.together,
    settledMs: Math.round(run.settledMs),
    durationMs: Math.round(run.durationMs),
  };
  return { lines, json: JSON.stringify(figures), passed };
}
