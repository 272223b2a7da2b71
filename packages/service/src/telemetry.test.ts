import { startLoopbackServer } from '@heliograph/simulators';
import type { ServerResponse } from 'node:http';
import { diag } from '@opentelemetry/api';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ExportResultCode } from '@opentelemetry/core';
import { InMemorySpanExporter, type SpanExporter } from '@opentelemetry/sdk-trace';
import { manualClock } from './clock.ts';
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

  test('other sources are appended; one that fails is left out, warned of once a minute and counted', async () => {
    const warnings: string[] = [];
    const clock = manualClock();
    let isBroken = true;
    const broken = (count: number): string => `telemetry_failures_total{source="metrics_source"} ${count}\n`;
    telemetry = startTelemetry({
      serviceName: 'svc',
      version: '0',
      processMetrics: false,
      extraMetrics: [
        () => Promise.resolve('temporal_x 1\n'),
        () => (isBroken ? Promise.reject(new Error('hunter2')) : Promise.resolve('sdk_y 2\n')),
      ],
      clock,
      onWarning: (message) => warnings.push(message),
    });
    const first = await telemetry.prometheusText();
    expect(first).toMatch(/\ntemporal_x 1\n$/);
    expect(first).toContain(broken(1));
    expect(await telemetry.prometheusText()).toContain(broken(2));
    expect(await telemetry.prometheusText()).toContain(broken(3));
    expect(warnings).toEqual(['a source of extra metrics failed']);
    isBroken = false;
    const whole = await telemetry.prometheusText();
    expect(whole).toContain(broken(3));
    expect(whole).toMatch(/\nsdk_y 2\n$/);
    isBroken = true;
    clock.advance(60_000);
    await telemetry.prometheusText();
    expect(warnings.slice(1)).toEqual(['a source of extra metrics failed (2 more since the last warning)']);
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
      'the exporter gave no reason',
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
    expect(warnings).toEqual(['a span exporter failed: 512 were dropped']);
  });

  describe.each(['metrics', 'traces'])('a collector of %s', (signal) => {
    test.each<[string, number | null, string]>([
      ['that is away', null, 'ECONNREFUSED'],
      ['that answers 500', 500, 'HTTP 500'],
      ['that answers 404', 404, 'HTTP 404'],
      ['that answers 401', 401, 'HTTP 401'],
    ])('%s is warned of once a minute, and counted', async (_, status, why) => {
      const answer = (response: ServerResponse): unknown =>
        response.writeHead(status ?? 200, 'hunter2').end('hunter2');
      const collector = status === null ? null : await startLoopbackServer(answer);
      const url = new URL(collector?.url ?? 'http://127.0.0.1:1');
      url.username = 'hunter2';
      const warnings: string[] = [];
      const clock = manualClock();
      const started = startTelemetry({
        serviceName: 'svc',
        version: '0',
        processMetrics: false,
        otlpEndpoint: url.href,
        exportIntervalMs: 50,
        // Shorter than the exporter's first retry.
        flushTimeoutMs: 500,
        clock,
        onWarning: (message) => warnings.push(message),
      });
      telemetry = started;
      const counted = new RegExp(`^telemetry_failures_total\\{source="collector_${signal}"\\} (\\d+)$`, 'm');
      const failures = async (): Promise<number> =>
        Number(counted.exec(await started.prometheusText())?.[1] ?? Number.NaN);
      expect(await failures()).toBe(0);
      const untilMoreThan = async (least: number): Promise<void> => {
        while ((await failures()) <= least) {
          // As many spans as make a batch.
          for (let span = 0; span < 512; span++) started.tracer.startSpan('work').end();
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      };
      const said = (): readonly string[] => warnings.filter((text) => text.includes(`takes no ${signal}`));
      await untilMoreThan(2);
      expect(said()).toEqual([expect.stringContaining(why)]);
      clock.advance(60_000);
      await untilMoreThan(await failures());
      expect(said()).toEqual([
        expect.stringContaining(`the collector at ${url.origin} takes no ${signal}`),
        expect.stringMatching(/\(\d+ more since the last warning\)$/),
      ]);
      await started.shutdown();
      await collector?.close();
      expect(warnings.join('\n')).not.toContain('hunter2');
    });
  });

  test('what a collector answers is not quoted in a warning of the SDK', async () => {
    const collector = await startLoopbackServer((response) =>
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end('{"partialSuccess":{"rejectedDataPoints":"7","errorMessage":"hunter2"}}'),
    );
    const warnings: string[] = [];
    telemetry = startTelemetry({
      serviceName: 'svc',
      version: '0',
      processMetrics: false,
      otlpEndpoint: collector.url,
      onWarning: (message) => warnings.push(message),
    });
    diag.createComponentLogger({ namespace: '@scope/part' }).warn('is not well', 'hunter2');
    await telemetry.shutdown();
    await collector.close();
    expect(warnings).toEqual(['@scope/part: is not well']);
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
