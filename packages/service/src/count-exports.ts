import type { SpanExporter } from '@opentelemetry/sdk-trace';
import { watchExport } from './telemetry-trouble.ts';

/** An exporter that counts the spans which it loses while the process stops. */
export interface CountedExporter extends SpanExporter {
  /** Counts from now on, including the batches that are on their way. */
  beginStop(): void;
  /** Describes what was lost since `beginStop`, unanswered batches included; undefined if nothing was. */
  describeLoss(): string | undefined;
}

/** Wraps an exporter. While nothing stops, a failed batch is reported at once, and is not counted here. */
export function countExports(exporter: SpanExporter, onFailure: (reason: string) => void): CountedExporter {
  let unanswered = 0;
  let failed = 0;
  let isStopping = false;
  let lastReason = 'no answer in time';
  return {
    export(spans, done) {
      unanswered += spans.length;
      const answered = watchExport(done, (reason) => {
        if (!isStopping) {
          onFailure(reason);
          return;
        }
        failed += spans.length;
        lastReason = reason;
      });
      exporter.export(spans, (result) => {
        unanswered -= spans.length;
        answered(result);
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
        : `${lost} spans were dropped at the stop, the last because of: ${lastReason}`;
    },
  };
}
