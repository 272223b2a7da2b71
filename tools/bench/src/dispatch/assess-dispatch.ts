import { atLeast, atMost, type Goal } from '../goals.ts';
import type { DispatchReport } from './run-dispatch.ts';

/** The goals of `bench dispatch`. */
const GOALS = {
  ratioToCeiling: 0.85,
  ratioToNaive: 1.8,
  /** The product with encryption ÷ without. */
  encryptionRatioToPlain: 0.95,
  /** From just before the request to the arrival at the receiver. */
  pushLatencyP50Ms: 200,
  /** The receiver asks for 1,000 ms; half a second more is what retrying may cost on top. */
  retryAfterP50Ms: 1500,
};

/**
 * Compares a report with its goals. The exit code is 1 if something was lost, reordered, not delivered or delivered
 * although nothing was expected; a missed speed is a missed goal and no failure, and so is a duplicate, because delivery
 * is at least once.
 */
export function assessDispatch(report: DispatchReport): {
  readonly goals: readonly Goal[];
  readonly exitCode: 0 | 1;
} {
  const { lost, reordered, duplicates, unexpected, pushLatencyMs, retryAfter } = report;
  const unit = 'notifications';
  const correctness = [
    atMost('lost', lost, unit, 0),
    atMost('reordered', reordered, unit, 0),
    atMost('unexpected', unexpected, unit, 0),
    atLeast('retryAfter.delivered', retryAfter.delivered, unit, retryAfter.of),
  ];
  const goals = [
    atLeast('ratioToCeiling', report.ratioToCeiling, 'ratio', GOALS.ratioToCeiling),
    atLeast('ratioToNaive', report.ratioToNaive, 'ratio', GOALS.ratioToNaive),
    atLeast('encryption.ratioToPlain', report.encryption.ratioToPlain, 'ratio', GOALS.encryptionRatioToPlain),
    atMost('pushLatencyMs.p50', pushLatencyMs.p50, 'ms', GOALS.pushLatencyP50Ms),
    atMost('retryAfter.p50Ms', retryAfter.p50Ms, 'ms', GOALS.retryAfterP50Ms),
    ...correctness,
    atMost('duplicates', duplicates, unit, 0),
  ];
  return { goals, exitCode: correctness.every(({ met }) => met) ? 0 : 1 };
}
