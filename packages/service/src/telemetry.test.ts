import { startLoopbackServer } from '@heliograph/simulators';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ExportResultCode } from '@opentelemetry/core';
import { InMemorySpanExporter, type SpanExporter } from '@opentelemetry/sdk-trace';
import { type Telemetry, startTelemetry } from './telemetry.ts';

let telemetry: Telemetry | undefined;
afterEach(() => telemetry?.shutdown());
const ignore = (): void => undefined;

describe('startTelemetry', () => {
  test('shows the process and own metrics in the Prometheus format', async () => {
    telemetry = startTelemetry({ serviceName: 'svc', version: '1.2.3' });
    telemetry.meter
      .createCounter('widgets_total', { description: 'Widgets made.' })
      .add(3, { kind: 'round' });
    const text = await telemetry.prometheusText();
    expect(text).toContain('# TYPE widgets_total counter\nwidgets_total{kind="round"} 3');
    expect(text).toMatch(/target_info\{.*service_name="svc".*\} 1/);
    for (const name of [
      'process_cpu_seconds_total',
      'process_start_time_seconds',
      'process_resident_memory_bytes',
      'nodejs_heap_size_used_bytes',
      'nodejs_eventloop_utilization_ratio',
      'nodejs_eventloop_lag_p99_seconds',
    ]) {
      const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
      expect([name, Number.isFinite(Number(value))]).toEqual([name, true]);
    }
    expect(text.split('\n').every((line) => line === '' || /^(#|[a-z0-9_]+(\{.*\})? \S+$)/.test(line))).toBe(
      true,
    );
  });

  test('a garbage collection shows up in the histogram of pauses', async () => {
    telemetry = startTelemetry({ serviceName: 'svc', version: '0' });
    let text = '';
    for (let round = 0; round < 100 && !text.includes('nodejs_gc_duration_seconds_count'); round++) {
      // Garbage enough for the young generation to overflow.
      Array.from({ length: 200_000 }, (_, index) => ({ index }));
      await new Promise((resolve) => setTimeout(resolve, 5));
      text = await telemetry.prometheusText();
    }
    expect(text).toMatch(/nodejs_gc_duration_seconds_count\{kind="\w+"\} \d+/);
  });

  test('other sources are appended; one that fails is left out with a warning', async () => {
    const warnings: string[] = [];
    telemetry = startTelemetry({
      serviceName: 'svc',
      version: '0',
      processMetrics: false,
      extraMetrics: [() => Promise.resolve('temporal_x 1\n'), () => Promise.reject(new Error('hunter2'))],
      onWarning: (message) => warnings.push(message),
    });
    const text = await telemetry.prometheusText();
    expect(text).toMatch(/\ntemporal_x 1\n$/);
    expect(warnings).toEqual(['a source of extra metrics failed']);
  });

  test('spans and metrics reach a collector at the latest with the shutdown', async () => {
    const collector = await startLoopbackServer((response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
    );
    telemetry = startTelemetry({
      serviceName: 'svc',
      version: '0',
      processMetrics: false,
      otlpEndpoint: `${collector.url}/`,
    });
    telemetry.tracer.startSpan('work').end();
    telemetry.meter.createCounter('widgets_total').add(1);
    await telemetry.shutdown();
    await collector.close();
    expect(collector.requests.map(({ path }) => path).toSorted()).toEqual(['/v1/metrics', '/v1/traces']);
  });

  test('a span exporter gets what is pending at the shutdown, and is shut down', async () => {
    const exporter = new InMemorySpanExporter();
    let names: readonly string[] = [];
    const shutdown = exporter.shutdown.bind(exporter);
    exporter.shutdown = () => {
      names = [...names, ...exporter.getFinishedSpans().map(({ name }) => name)];
      return shutdown();
    };
    telemetry = startTelemetry({
      serviceName: 'svc',
      version: '0',
      processMetrics: false,
      spanExporters: [exporter],
    });
    telemetry.tracer.startSpan('work').end();
    await telemetry.shutdown();
    expect(names).toEqual(['work']);
  });

  test('a span exporter that fails or hangs neither fails the shutdown nor cuts off the others', async () => {
    const ended: string[] = [];
    const failing: SpanExporter = {
      export: (_, done) => done({ code: ExportResultCode.FAILED, error: new Error('no') }),
      shutdown: () => Promise.resolve(void ended.push('failing')),
    };
    const slow: SpanExporter = {
      export: (_, done) =>
        void setTimeout(() => {
          ended.push('slow export');
          done({ code: ExportResultCode.SUCCESS });
        }, 20),
      shutdown: () => Promise.resolve(void ended.push('slow')),
    };
    let release = ignore;
    const hanging: SpanExporter = {
      export: (_, done) => void (release = () => done({ code: ExportResultCode.FAILED })),
      shutdown: () => Promise.resolve(release()).then(() => void ended.push('hanging')),
    };
    telemetry = startTelemetry({
      serviceName: 'svc',
      version: '0',
      processMetrics: false,
      flushTimeoutMs: 100,
      spanExporters: [failing, slow, hanging],
      onWarning: ignore,
    });
    telemetry.tracer.startSpan('work').end();
    await expect(telemetry.shutdown()).resolves.toBeUndefined();
    expect(new Set(ended)).toEqual(new Set(['slow export', 'slow', 'failing', 'hanging']));
  });

  test('an unavailable collector is no reason to fail', async () => {
    telemetry = startTelemetry({
      serviceName: 'svc',
      version: '0',
      processMetrics: false,
      otlpEndpoint: 'http://127.0.0.1:1',
      flushTimeoutMs: 100,
      onWarning: () => undefined,
    });
    telemetry.tracer.startSpan('work').end();
    await expect(telemetry.shutdown()).resolves.toBeUndefined();
    await expect(telemetry.shutdown()).resolves.toBeUndefined();
  });
});
