import { makeTelemetryFilterString, Runtime, type Logger } from '@temporalio/worker';

/** How the native core of this process logs and measures. */
export interface TemporalRuntimeOptions {
  readonly logger: Logger;
  /** `host:port` on which Core serves its metrics for Prometheus; absent: no metrics. */
  readonly metricsBindAddress?: string;
}

const SCHEDULE_TO_START_MS = [
  5, 10, 25, 50, 75, 100, 150, 200, 250, 300, 400, 500, 750, 1000, 2000, 5000, 10_000, 60_000, 300_000,
];

/**
 * Histogram boundaries in milliseconds. Core's own begin at 100, 500, 1000 ms for schedule-to-start, so that the
 * thresholds on which workers are scaled (200 and 300 ms) would be guesses between two boundaries.
 */
export const HISTOGRAM_BUCKETS_MS: Readonly<Record<string, number[]>> = {
  workflow_task_schedule_to_start_latency: SCHEDULE_TO_START_MS,
  activity_schedule_to_start_latency: SCHEDULE_TO_START_MS,
  request_latency: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000],
  activity_execution_latency: [5, 10, 25, 50, 100, 250, 500, 1000, 5000, 30_000, 60_000, 600_000, 3_600_000],
  local_activity_execution_latency: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 3000, 10_000],
};

/**
 * Installs the SDK's runtime: once per process and before the first native connection. It takes no signals; the
 * process that embeds the worker decides when to stop.
 */
export function installTemporalRuntime({ logger, metricsBindAddress }: TemporalRuntimeOptions): Runtime {
  return Runtime.install({
    logger,
    shutdownSignals: [],
    telemetryOptions: {
      logging: { filter: makeTelemetryFilterString({ core: 'WARN' }), forward: {} },
      ...(metricsBindAddress === undefined
        ? {}
        : {
            metrics: {
              prometheus: {
                bindAddress: metricsBindAddress,
                histogramBucketOverrides: { ...HISTOGRAM_BUCKETS_MS },
              },
            },
          }),
    },
  });
}
