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

  test('other sources are appended; one that fails is left out, warned of once and counted', async () => {
    const warnings: string[] = [];
    let isBroken = true;
    telemetry = startTelemetry({
      serviceName: 'svc',
      version: '0',
      processMetrics: false,
      extraMetrics: [
        () => Promise.resolve('temporal_x 1\n'),
        () => (isBroken ? Promise.reject(new Error('hunter2')) : Promise.resolve('sdk_y 2\n')),
      ],
      onWarning: (message) => warnings.push(message),
    });
    expect(await telemetry.prometheusText()).toMatch(/\ntemporal_x 1\n$/);
    expect(await telemetry.prometheusText()).toContain('\ntelemetry_source_failures_total 1\n');
    expect(warnings).toEqual(['a source of extra metrics failed']);
    isBroken = false;
    expect(await telemetry.prometheusText()).toMatch(/\ntelemetry_source_failures_total 2\n[^]*\nsdk_y 2\n$/);
    isBroken = true;
    await telemetry.prometheusText();
    expect(warnings).toHaveLength(2);
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

  const held: Parameters<SpanExporter['export']>[1][] = [];
  test.each<[string, number, SpanExporter['export'], string]>([
    [
      'refuses',
      3,
      (spans, done) => done({ code: ExportResultCode.FAILED, error: new Error(`no to ${spans.length}`) }),
      'no to 3',
    ],
    [
      'refuses one batch on its way and one at the end',
      700,
      (spans, done) =>
        void setTimeout(
          () => done({ code: ExportResultCode.FAILED, error: new Error(`no to ${spans.length}`) }),
          20,
        ),
      'no to 188',
    ],
    [
      'refuses without a reason',
      3,
      (_, done) => done({ code: ExportResultCode.FAILED }),
      'the exporter failed',
    ],
    ['hangs', 700, (_, done) => void held.push(done), 'no answer in time'],
  ])(
    'what an exporter that %s loses at the shutdown is counted in one warning',
    async (_, spans, send, why) => {
      const warnings: string[] = [];
      telemetry = startTelemetry({
        serviceName: 'svc',
        version: '0',
        processMetrics: false,
        flushTimeoutMs: 100,
        spanExporters: [{ export: send, shutdown: () => Promise.resolve() }],
        onWarning: (message) => warnings.push(message),
      });
      for (let span = 0; span < spans; span++) telemetry.tracer.startSpan('work').end();
      await telemetry.shutdown();
      expect(warnings).toEqual([`${spans} spans were dropped at the stop, the last because of: ${why}`]);
      // The processor would wait for another 30 s.
      for (const done of held.splice(0)) done({ code: ExportResultCode.FAILED });
    },
  );

  test('a batch that is lost while the process runs is one line, and not counted again at the shutdown', async () => {
    const warnings: string[] = [];
    telemetry = startTelemetry({
      serviceName: 'svc',
      version: '0',
      processMetrics: false,
      spanExporters: [
        {
          export: (_, done) => done({ code: ExportResultCode.FAILED, error: new Error('512 were dropped') }),
          shutdown: () => Promise.resolve(),
        },
      ],
      onWarning: (message) => warnings.push(message),
    });
    for (let span = 0; span < 512; span++) telemetry.tracer.startSpan('work').end();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await telemetry.shutdown();
    expect(warnings).toEqual(['512 were dropped']);
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
