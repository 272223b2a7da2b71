import { expect, test } from '@jest/globals';
import { manualClock } from './clock.ts';
import { createLogger, type LogLevel } from './log.ts';
import { Secret } from './secret.ts';
import { startTelemetry } from './telemetry.ts';

function capture(level: LogLevel = 'info') {
  const lines: string[] = [];
  const logger = createLogger({
    name: 'svc',
    version: '1.2.3',
    level,
    clock: manualClock(0),
    destination: { write: (line) => void lines.push(line) },
  });
  return { logger, lines, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

test('lines are JSON with time, level, service and the fields of the child', () => {
  const { logger, parsed } = capture();
  logger.child({ routeId: 'r1' }).info({ count: 2 }, 'saved');
  logger.debug('not seen');
  expect(parsed()).toEqual([
    {
      level: 'info',
      time: '1970-01-01T00:00:00.000Z',
      service: 'svc',
      version: '1.2.3',
      pid: process.pid,
      routeId: 'r1',
      count: 2,
      message: 'saved',
    },
  ]);
});

test('secrets are redacted by name down to the third level and by type everywhere', () => {
  const { logger, lines } = capture();
  logger.info(
    {
      password: 'hunter2',
      app: { token: 'hunter2', inner: { secret: 'hunter2' } },
      deep: { a: { b: { c: new Secret('hunter2') } } },
    },
    'x',
  );
  expect(lines.join('')).not.toContain('hunter2');
  expect(lines.join('')).toContain('[redacted]');
});

test.each<[string, Error]>([
  [
    'postgres.js',
    Object.assign(new Error('invalid input "hunter2"'), {
      name: 'PostgresError',
      code: '22P02',
      detail: 'hunter2',
    }),
  ],
  [
    'drizzle',
    Object.assign(new Error('Failed query: x\nparams: hunter2'), { query: 'x', params: ['hunter2'] }),
  ],
  [
    '@clickhouse/client',
    Object.assign(new Error('Cannot parse "hunter2"'), { code: '6', type: 'CANNOT_PARSE_TEXT' }),
  ],
])('an error of %s is logged without its text', (_, error) => {
  const { logger, lines, parsed } = capture();
  logger.error({ err: new Error('outer', { cause: error }) }, 'failed');
  expect(lines.join('')).not.toContain('hunter2');
  expect(parsed()[0]).toMatchObject({
    err: {
      type: 'Error',
      message: 'outer',
      stack: expect.stringContaining('at '),
      cause: { message: expect.stringContaining('database error') },
    },
  });
});

test('whatever else was thrown can be logged', () => {
  const { logger, parsed } = capture();
  const circle = new Error('round');
  circle.cause = circle;
  logger.error({ err: circle }, 'a');
  logger.error({ err: 'a text with hunter2' }, 'b');
  expect(parsed()[1]).toMatchObject({ err: { type: 'string' } });
});

test('lines within a span carry its ids', async () => {
  const telemetry = startTelemetry({ serviceName: 'svc', version: '0', processMetrics: false });
  const { logger, parsed } = capture();
  const traceId = telemetry.tracer.startActiveSpan('work', (span) => {
    logger.info('inside');
    span.end();
    return span.spanContext().traceId;
  });
  logger.info('outside');
  await telemetry.shutdown();
  expect(parsed()[0]).toMatchObject({ traceId, spanId: expect.any(String) });
  expect(parsed()[1]).not.toHaveProperty('traceId');
});
