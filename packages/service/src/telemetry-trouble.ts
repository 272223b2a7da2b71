import type { Meter } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { type Clock, systemClock } from './clock.ts';

const SOURCES = ['collector_traces', 'collector_metrics', 'span_exporter', 'metrics_source', 'sdk'] as const;

/** What is in trouble; the label `source` of `telemetry_failures_total`. */
export type TroubleSource = (typeof SOURCES)[number];

/** Reports that telemetry does not work, to a person and to `/metrics`. */
export interface TelemetryTrouble {
  /** Counts the failure, and warns if there was no warning about this source within the last minute. */
  report(source: TroubleSource, message: string): void;
  /** Counts on this meter from now on, each source from 0. */
  countOn(meter: Meter): void;
}

const INTERVAL_MS = 60_000;

/** Creates a reporter that warns at most once a minute and source, with the number of failures in between. */
export function createTelemetryTrouble(
  warn: (message: string) => void,
  clock: Clock = systemClock,
): TelemetryTrouble {
  const warned = new Map<TroubleSource, { readonly atMs: number; silent: number }>();
  let count: ((source: TroubleSource) => void) | undefined;
  return {
    report(source, message) {
      count?.(source);
      const nowMs = clock.monotonicMs();
      const last = warned.get(source);
      if (last !== undefined && nowMs - last.atMs < INTERVAL_MS) {
        last.silent++;
        return;
      }
      warned.set(source, { atMs: nowMs, silent: 0 });
      const silent = last?.silent ?? 0;
      warn(silent === 0 ? message : `${message} (${silent} more since the last warning)`);
    },
    countOn(meter) {
      const counter = meter.createCounter('telemetry_failures_total', {
        description: 'Failures to send or to collect telemetry, by source.',
      });
      for (const source of SOURCES) counter.add(0, { source });
      count = (source) => counter.add(1, { source });
    },
  };
}

/**
 * Wraps what an exporter calls when it is done. The SDK hears of a success, because it would only log the failure
 * again; it drops the batch in both cases.
 */
export function watchExport(
  done: (result: ExportResult) => void,
  onFailure: (reason: string) => void,
): (result: ExportResult) => void {
  return (result) => {
    if (result.code !== ExportResultCode.SUCCESS) onFailure(describeFailure(result.error));
    done({ code: ExportResultCode.SUCCESS });
  };
}

/** Says why an export failed, without a word of the collector's response: a proxy may quote the request in it. */
function describeFailure(error: Error | undefined): string {
  if (error === undefined) return 'the exporter gave no reason';
  const code: unknown = Reflect.get(error, 'code');
  if (typeof code === 'number') return `HTTP ${code}`;
  // The message of a connection that was tried at several addresses is empty.
  if (error.message !== '') return error.message;
  return typeof code === 'string' ? code : error.name;
}
