import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { type CountedExporter, countExports } from './count-exports.ts';
import { type TelemetryTrouble, watchExport } from './telemetry-trouble.ts';

/** Creates an exporter of spans to the OTLP/HTTP collector at `base`; what fails is reported. */
export function sendTraces(base: string, timeoutMillis: number, trouble: TelemetryTrouble): CountedExporter {
  const exporter = new OTLPTraceExporter({ url: `${base}/v1/traces`, timeoutMillis });
  return countExports(exporter, (reason) =>
    trouble.report('collector_traces', `${describeCollector(base)} takes no traces: ${reason}`),
  );
}

/** Creates an exporter of metrics to the OTLP/HTTP collector at `base`; what fails is reported. */
export function sendMetrics(
  base: string,
  timeoutMillis: number,
  trouble: TelemetryTrouble,
): OTLPMetricExporter {
  const exporter = new OTLPMetricExporter({ url: `${base}/v1/metrics`, timeoutMillis });
  const send = exporter.export.bind(exporter);
  const onFailure = (reason: string): void =>
    trouble.report('collector_metrics', `${describeCollector(base)} takes no metrics: ${reason}`);
  exporter.export = (data, done) => send(data, watchExport(done, onFailure));
  return exporter;
}

/** Names the collector without the credentials that its URL may carry. */
function describeCollector(base: string): string {
  return `the collector at ${URL.canParse(base) ? new URL(base).origin : 'OTEL_EXPORTER_OTLP_ENDPOINT'}`;
}
