import { readFileSync } from 'node:fs';
import {
  createLogger,
  startTelemetry,
  type Logger,
  type ServiceContext,
  type Telemetry,
  type TelemetryOptions,
} from '@heliograph/service';
import { createClickHouseSpanExporter } from '@heliograph/worker-app';
import type { SharedConfig } from './config.ts';

/** Starts logs and telemetry of a role, and stops telemetry after everything else. */
export function observe(
  config: SharedConfig,
  context: ServiceContext,
  role: 'api' | 'worker',
  more: Pick<TelemetryOptions, 'extraMetrics'> = {},
): { readonly logger: Logger; readonly telemetry: Telemetry } {
  const name = `dispatch-center-${role}`;
  const logger = createLogger({ name, version: version(), level: config.HELIOGRAPH_LOG_LEVEL });
  context.useLogger(logger);
  const otlpEndpoint = config.OTEL_EXPORTER_OTLP_ENDPOINT;
  const telemetry = startTelemetry({
    serviceName: name,
    version: version(),
    ...more,
    ...(otlpEndpoint === undefined ? {} : { otlpEndpoint }),
    spanExporters: config.HELIOGRAPH_TRACES_IN_CLICKHOUSE
      ? [
          createClickHouseSpanExporter({
            url: config.HELIOGRAPH_CLICKHOUSE_URL,
            database: config.HELIOGRAPH_CLICKHOUSE_DATABASE,
            application: `${name}-traces`,
          }),
        ]
      : [],
    onWarning: (message) => logger.warn({ component: 'telemetry' }, message),
  });
  context.register({ name: 'telemetry', stop: () => telemetry.shutdown() });
  return { logger, telemetry };
}

/** The version in the app's package.json. */
export function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : '0.0.0';
}
