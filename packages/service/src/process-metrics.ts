import {
  type IntervalHistogram,
  PerformanceObserver,
  constants,
  monitorEventLoopDelay,
  performance,
} from 'node:perf_hooks';
import type { BatchObservableResult, Meter } from '@opentelemetry/api';

const NANOSECONDS = 1e9;
const GC_BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

const GC_KIND: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
};

/**
 * Observes this process: CPU seconds, memory, garbage-collection pauses, event-loop delay and utilisation.
 * Delay and utilisation describe the time since the previous collection. Names follow what Node.js
 * dashboards for Prometheus expect. Returns a function that ends the observation.
 */
export function observeProcess(meter: Meter): () => void {
  const stopGc = observeGarbageCollection(meter);
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();

  const cpu = meter.createObservableCounter('process_cpu_seconds_total', {
    description: 'User and system CPU time.',
  });
  const cpuUser = meter.createObservableCounter('process_cpu_user_seconds_total', {
    description: 'User CPU time.',
  });
  const cpuSystem = meter.createObservableCounter('process_cpu_system_seconds_total', {
    description: 'System CPU time.',
  });
  const startedAt = meter.createObservableGauge('process_start_time_seconds', {
    description: 'Start of the process, Unix seconds.',
  });
  const resident = meter.createObservableGauge('process_resident_memory_bytes', {
    description: 'Resident set size.',
  });
  const heapUsed = meter.createObservableGauge('nodejs_heap_size_used_bytes', {
    description: 'JavaScript heap in use.',
  });
  const heapTotal = meter.createObservableGauge('nodejs_heap_size_total_bytes', {
    description: 'JavaScript heap reserved.',
  });
  const external = meter.createObservableGauge('nodejs_external_memory_bytes', {
    description: 'Memory outside the heap, buffers included.',
  });
  const utilization = meter.createObservableGauge('nodejs_eventloop_utilization_ratio', {
    description: 'Share of the time the event loop was busy.',
  });
  const lagMean = meter.createObservableGauge('nodejs_eventloop_lag_mean_seconds', {
    description: 'Mean event-loop delay.',
  });
  const lagP50 = meter.createObservableGauge('nodejs_eventloop_lag_p50_seconds', {
    description: 'Median event-loop delay.',
  });
  const lagP99 = meter.createObservableGauge('nodejs_eventloop_lag_p99_seconds', {
    description: '99th percentile of the event-loop delay.',
  });
  const lagMax = meter.createObservableGauge('nodejs_eventloop_lag_max_seconds', {
    description: 'Longest event-loop delay.',
  });
  const all = [
    cpu,
    cpuUser,
    cpuSystem,
    startedAt,
    resident,
    heapUsed,
    heapTotal,
    external,
    utilization,
    lagMean,
    lagP50,
    lagP99,
    lagMax,
  ];

  let lastUtilization = performance.eventLoopUtilization();
  const startSeconds = performance.timeOrigin / 1000;
  const observe = (result: BatchObservableResult): void => {
    const { user, system } = process.cpuUsage();
    result.observe(cpu, (user + system) / 1e6);
    result.observe(cpuUser, user / 1e6);
    result.observe(cpuSystem, system / 1e6);
    result.observe(startedAt, startSeconds);
    const memory = process.memoryUsage();
    result.observe(resident, memory.rss);
    result.observe(heapUsed, memory.heapUsed);
    result.observe(heapTotal, memory.heapTotal);
    result.observe(external, memory.external);
    const nextUtilization = performance.eventLoopUtilization();
    result.observe(
      utilization,
      performance.eventLoopUtilization(nextUtilization, lastUtilization).utilization,
    );
    lastUtilization = nextUtilization;
    result.observe(lagMean, seconds(delay.mean));
    result.observe(lagP50, seconds(delay.percentile(50)));
    result.observe(lagP99, seconds(delay.percentile(99)));
    result.observe(lagMax, longest(delay));
    delay.reset();
  };
  meter.addBatchObservableCallback(observe, all);
  return () => {
    meter.removeBatchObservableCallback(observe, all);
    delay.disable();
    stopGc();
  };
}

function observeGarbageCollection(meter: Meter): () => void {
  const pauses = meter.createHistogram('nodejs_gc_duration_seconds', {
    description: 'Pauses for garbage collection, by kind.',
    advice: { explicitBucketBoundaries: GC_BUCKETS_SECONDS },
  });
  const observer = new PerformanceObserver((entries) => {
    for (const entry of entries.getEntries()) {
      const detail: unknown = Reflect.get(entry, 'detail');
      const kind =
        typeof detail === 'object' && detail !== null && 'kind' in detail ? Number(detail.kind) : -1;
      pauses.record(entry.duration / 1000, { kind: GC_KIND[kind] ?? 'other' });
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  return () => observer.disconnect();
}

// Right after a reset the histogram is empty: its mean is NaN and its maximum 0.
function seconds(nanoseconds: number): number {
  return Number.isFinite(nanoseconds) ? nanoseconds / NANOSECONDS : 0;
}

function longest(delay: IntervalHistogram): number {
  return seconds(delay.max);
}
