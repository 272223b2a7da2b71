import { ExportResultCode } from '@opentelemetry/core';
import type { SpanExporter } from '@opentelemetry/sdk-trace';

/** An exporter that counts the spans which it loses while the process stops. */
export interface CountedExporter extends SpanExporter {
  /** Counts from now on, including the batches that are on their way. */
  beginStop(): void;
  /** Describes what was lost since `beginStop`, unanswered batches included; undefined if nothing was. */
  describeLoss(): string | undefined;
  /** Whether the error belongs to a batch that is part of the loss. */
  isCounted(error: unknown): boolean;
}

/** Wraps an exporter. While nothing stops, a failed batch is reported by the processor, and is not counted here. */
export function countExports(exporter: SpanExporter): CountedExporter {
  const errors = new Set<unknown>();
  let unanswered = 0;
  let failed = 0;
  let isStopping = false;
  let reason = 'no answer in time';
  return {
    export(spans, done) {
      unanswered += spans.length;
      exporter.export(spans, (result) => {
        unanswered -= spans.length;
        const error = result.error ?? new Error('the exporter failed');
        if (isStopping && result.code !== ExportResultCode.SUCCESS) {
          failed += spans.length;
          errors.add(error);
          reason = error.message;
        }
        done(result.code === ExportResultCode.SUCCESS ? result : { ...result, error });
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
    beginStop: () => {
      isStopping = true;
    },
    describeLoss: () => {
      const lost = failed + unanswered;
      return lost === 0
        ? undefined
        : `${lost} spans were dropped at the stop, the last because of: ${reason}`;
    },
    isCounted: (error) => errors.has(error),
  };
}
