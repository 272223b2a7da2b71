import { fileURLToPath } from 'node:url';

const RECEIVER = fileURLToPath(new URL('../otlp-receiver/main.js', import.meta.url));

/**
 * A receiver of OTLP/HTTP that stores the apps' traces in ClickHouse, in the tables of the OpenTelemetry Collector's
 * exporter. Apps find it by OTEL_EXPORTER_OTLP_ENDPOINT and know nothing else of it.
 * @type {import('@heliograph/stack').Part}
 */
export const tracesPart = {
  name: 'traces',
  after: [],
  // It waits for ClickHouse by itself, so that nobody waits for it.
  knows: ['clickhouse'],
  async start({ port: choosePort, env }) {
    const port = await choosePort('traces', 14_318);
    const database = process.env['HELIOGRAPH_CLICKHOUSE_DATABASE'] || 'heliograph';
    const address = `http://127.0.0.1:${port}`;
    return {
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: address },
      addresses: { OTEL_EXPORTER_OTLP_ENDPOINT: address },
      processes: [
        {
          name: 'otlp-receiver',
          what: 'traces (OTLP to ClickHouse)',
          command: process.execPath,
          args: [RECEIVER, String(port), database],
          env: { ...process.env, HELIOGRAPH_CLICKHOUSE_URL: env['HELIOGRAPH_CLICKHOUSE_URL'], TZ: 'UTC' },
          port,
          url: address,
          stopSignal: 'SIGTERM',
          stopGraceMs: 5_000,
          isReady: async (signal) => (await fetch(`${address}/healthz`, { signal })).ok,
        },
      ],
    };
  },
};
