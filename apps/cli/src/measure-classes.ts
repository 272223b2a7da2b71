import type { ClassUse } from '@heliograph/temporal-worker/policies';
import { addHistograms, parseHistograms, quantileOf } from './parse-histograms.ts';

/** How long the attempts of an activity took, in milliseconds. */
export interface Measurement {
  readonly activityType: string;
  readonly samples: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  /** Whether p99 is above the highest bound of the histogram, so that the value is a lower bound. */
  readonly isAboveBounds: boolean;
}

/** A class beside what was measured of its activities. */
export interface MeasuredClass extends ClassUse {
  readonly measured: readonly Measurement[];
  /** What to look at, in whole sentences. */
  readonly warnings: readonly string[];
}

const METRIC = {
  regular: 'temporal_activity_execution_latency',
  local: 'temporal_local_activity_execution_latency',
} as const;

/** An attempt has to have this much room above p99, or the next slow hour ends attempts that would have succeeded. */
const LEAST_RATIO = 2;

/**
 * Measures classes by what metrics endpoints say, all processes together. Null for the texts: nothing was asked, so nothing is
 * warned of.
 */
export function measureClasses(
  uses: readonly ClassUse[],
  texts: readonly string[],
): readonly MeasuredClass[] {
  return uses.map((use) => {
    const { policy, activityTypes } = use;
    const histograms = texts.flatMap((text) => parseHistograms(text, METRIC[policy.kind]));
    const measured = activityTypes.flatMap((activityType): readonly Measurement[] => {
      const own = histograms.filter(({ labels }) => labels['activity_type'] === activityType);
      const buckets = addHistograms(own);
      const [p50, p95, p99] = [0.5, 0.95, 0.99].map((quantile) => quantileOf(buckets, quantile));
      if (p50 == null || p95 == null || p99 == null) return [];
      return [
        {
          activityType,
          samples: buckets.at(-1)?.count ?? 0,
          p50: p50.estimate,
          p95: p95.estimate,
          p99: p99.estimate,
          isAboveBounds: !Number.isFinite(p99.atMost),
        },
      ];
    });
    return {
      ...use,
      measured,
      warnings: measured.flatMap((each) => warningsOf(policy.startToClose.ms, each)),
    };
  });
}

function warningsOf(
  startToCloseMs: number,
  { activityType, p99, isAboveBounds }: Measurement,
): readonly string[] {
  if (p99 * LEAST_RATIO > startToCloseMs)
    return [
      `${activityType}: startToClose is less than ${LEAST_RATIO} × p99; attempts that would succeed are ended and repeated`,
    ];
  return isAboveBounds
    ? [`${activityType}: p99 is above the highest bound of its histogram; it may be close to startToClose`]
    : [];
}
