import {
  DiagLogLevel,
  type Meter,
  type Tracer,
  context,
  diag,
  metrics,
  propagation,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  CompositePropagator,
  loggingErrorHandler,
  setGlobalErrorHandler,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from '@opentelemetry/core';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  type IMetricReader,
  MeterProvider,
  MetricReader,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BatchSpanProcessor,
  type SpanExporter,
  type SpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Clock } from './clock.ts';
import { type CountedExporter, countExports } from './count-exports.ts';
import { observeProcess } from './process-metrics.ts';
import { sendMetrics, sendTraces } from './send-telemetry.ts';
import { createTelemetryTrouble, type TelemetryTrouble } from './telemetry-trouble.ts';

/** Traces and metrics of one process. */
export interface Telemetry {
  readonly meter: Meter;
  readonly tracer: Tracer;
  /** Returns all metrics, the extra ones included, in the Prometheus text format. */
  prometheusText(): Promise<string>;
  /**
   * Sends what is pending to the collector and ends; never rejects, and a second call does nothing. What could not be
   * sent is counted in one warning per exporter.
   */
  shutdown(): Promise<void>;
}

/** Options of {@link startTelemetry}. */
export interface TelemetryOptions {
  readonly serviceName: string;
  readonly version: string;
  /** Base URL of an OTLP/HTTP collector, as in OTEL_EXPORTER_OTLP_ENDPOINT; without it nothing is sent. */
  readonly otlpEndpoint?: string | undefined;
  /** How often metrics are sent to the collector; default 30,000 ms. */
  readonly exportIntervalMs?: number;
  /** How long one request to the collector may take, and what is pending at the shutdown; default 3,000 ms. */
  readonly flushTimeoutMs?: number;
  /**
   * Prometheus text of other sources, appended to ours. A source that fails or takes over 2 s is left out and
   * counted in `telemetry_failures_total`.
   */
  readonly extraMetrics?: readonly (() => Promise<string>)[];
  /**
   * Receives warnings, for example about an unavailable collector: one a minute and source, with the number of
   * failures in between. `telemetry_failures_total{source}` counts all of them.
   */
  readonly onWarning?: (message: string) => void;
  /**
   * Further exporters of spans, beside the collector. Each gets batches of at most 512 spans every 5 s from a queue of
   * 2,048; what does not fit is dropped with a warning that counts it. They are shut down at the end.
   */
  readonly spanExporters?: readonly SpanExporter[];
  /** Additional span processors, for tests. */
  readonly spanProcessors?: readonly SpanProcessor[];
  /** Whether CPU, memory, GC and event loop are observed; default true. */
  readonly processMetrics?: boolean;
  /** Tells when a minute has passed; for tests. */
  readonly clock?: Clock;
}

class PullReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

const ignore = (): void => {};
const EXTRA_TIMEOUT_MS = 2000;

/**
 * Starts tracing and metrics and registers them, with W3C trace context propagation, as the process-wide
 * providers of `@opentelemetry/api`, so that libraries which only know that package take part. One per process.
 */
export function startTelemetry(options: TelemetryOptions): Telemetry {
  const { serviceName, version, otlpEndpoint, extraMetrics = [], onWarning, flushTimeoutMs = 3000 } = options;
  const base = otlpEndpoint?.replace(/\/+$/, '');
  const trouble = createTelemetryTrouble((message) => onWarning?.(message), options.clock);
  const counted = countAll(options.spanExporters ?? [], trouble);
  if (base !== undefined) counted.push(sendTraces(base, flushTimeoutMs, trouble));
  if (onWarning !== undefined) {
    const warn = (message: string): void => trouble.report('sdk', message);
    const log = (...parts: readonly unknown[]): void => warn(describeLog(parts));
    diag.setLogger(
      { error: log, warn: log, info: ignore, debug: ignore, verbose: ignore },
      { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
    );
    // The SDK's own handler writes the error as JSON, with its stack, into the text of the warning.
    setGlobalErrorHandler((error) =>
      warn(typeof error === 'string' ? error : (error.message ?? 'OpenTelemetry failed')),
    );
  }
  const resource = resourceFromAttributes({ 'service.name': serviceName, 'service.version': version });

  const pull = new PullReader();
  const readers: IMetricReader[] = [pull];
  if (base !== undefined) {
    readers.push(
      new PeriodicExportingMetricReader({
        exporter: sendMetrics(base, flushTimeoutMs, trouble),
        exportIntervalMillis: options.exportIntervalMs ?? 30_000,
        exportTimeoutMillis: Math.min(10_000, options.exportIntervalMs ?? 30_000),
      }),
    );
  }
  const spanProcessors: SpanProcessor[] = [
    ...(options.spanProcessors ?? []),
    ...counted.map((exporter) => new BatchSpanProcessor({ exporter })),
  ];
  const meterProvider = new MeterProvider({ resource, readers });
  const tracerProvider = new TracerProvider({ resource, spanProcessors });
  trace.setGlobalTracerProvider(tracerProvider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(
    new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
  );
  metrics.setGlobalMeterProvider(meterProvider);

  const meter = meterProvider.getMeter(serviceName, version);
  trouble.countOn(meter);
  const stopProcessMetrics = options.processMetrics === false ? ignore : observeProcess(meter);
  const serializer = new PrometheusSerializer('', false, undefined, false, true);
  let stopped: Promise<void> | undefined;

  const stop = async (): Promise<void> => {
    stopProcessMetrics();
    for (const exporter of counted) exporter.beginStop();
    // The exporters retry for longer than anyone wants to wait for an unavailable collector.
    // Each on its own: the provider's shutdown stops waiting for all of them when one fails.
    const spansFlushed = Promise.allSettled(spanProcessors.map((processor) => processor.shutdown()));
    const metricsFlushed = Promise.allSettled([meterProvider.shutdown()]);
    await Promise.all([
      within(spansFlushed, flushTimeoutMs, ignore),
      within(metricsFlushed, flushTimeoutMs, () => onWarning?.('pending metrics could not be sent in time')),
    ]);
    // A processor whose last batch fails does not shut down its exporter.
    let isLate = false;
    const ended = Promise.allSettled(counted.map((exporter) => exporter.shutdown()));
    await within(ended, flushTimeoutMs, () => (isLate = true));
    const losses = counted.flatMap((exporter) => exporter.describeLoss() ?? []);
    for (const loss of losses) onWarning?.(loss);
    if (isLate && losses.length === 0) onWarning?.('a span exporter did not end in time');
    trace.disable();
    context.disable();
    propagation.disable();
    metrics.disable();
    if (onWarning === undefined) return;
    diag.disable();
    setGlobalErrorHandler(loggingErrorHandler());
  };
  return {
    meter,
    tracer: tracerProvider.getTracer(serviceName, version),
    prometheusText: async () => {
      const extra = await Promise.all(extraMetrics.map((source) => readSource(source, trouble)));
      // Afterwards, so that the failures of just now are counted.
      const own = await pull.collect();
      return (
        [serializer.serialize(own.resourceMetrics), ...extra]
          .map((part) => part.trim())
          .filter((part) => part !== '')
          .join('\n') + '\n'
      );
    },
    shutdown: () => (stopped ??= stop()),
  };
}

function countAll(exporters: readonly SpanExporter[], trouble: TelemetryTrouble): CountedExporter[] {
  return exporters.map((exporter) =>
    countExports(exporter, (reason) => trouble.report('span_exporter', `a span exporter failed: ${reason}`)),
  );
}

/** A component of the SDK logs its name first. What follows the text may quote the collector, and is left out. */
function describeLog([first, second]: readonly unknown[]): string {
  const isName = typeof first === 'string' && /^[@/\w-]+$/.test(first) && typeof second === 'string';
  return isName ? `${first}: ${second}` : String(first);
}

/** Resolves with `''` when the source fails. */
async function readSource(source: () => Promise<string>, trouble: TelemetryTrouble): Promise<string> {
  try {
    const text = await within(source(), EXTRA_TIMEOUT_MS, () =>
      trouble.report('metrics_source', 'a source of extra metrics did not answer in time'),
    );
    return text ?? '';
  } catch {
    trouble.report('metrics_source', 'a source of extra metrics failed');
    return '';
  }
}

async function within<T>(work: Promise<T>, timeoutMs: number, onLate: () => void): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      onLate();
      resolve(undefined);
    }, timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
