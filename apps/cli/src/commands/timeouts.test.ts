import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ACTIVITY_CLASSES, ERROR_TABLE } from '@heliograph/temporal-worker/policies';
import { cannedApi, ran } from '../testing/canned-api.ts';

const bucket = (metric: string, type: string, le: string, count: number): string =>
  `temporal_${metric}_execution_latency_bucket{activity_type="${type}",le="${le}"} ${count}\n`;

let api: Awaited<ReturnType<typeof cannedApi>>;
beforeAll(async () => {
  api = await cannedApi();
});
afterAll(() => api.close());

test('prints every class, each value with its reason', async () => {
  const { exitCode, out } = await ran(['timeouts']);
  expect(exitCode).toBe(0);
  const text = out.replaceAll(/\s+/g, ' ');
  for (const { name, use, startToClose, scheduleToStart, retry } of Object.values(ACTIVITY_CLASSES)) {
    expect(text).toContain(name);
    expect(text).toContain(use);
    for (const { because } of [startToClose, scheduleToStart, ...Object.values(retry)])
      expect(text).toContain(because);
  }
  expect(text).toContain(
    'scheduleToStart: none, because it is not retried: an outage of the workers would lose the payment',
  );
  for (const { type, because } of ERROR_TABLE) {
    expect(text).toContain(type);
    expect(text).toContain(because);
  }
  expect(text).not.toContain('no samples');
});

test('adds what was measured, says where nothing was, and warns of what is close', async () => {
  const first =
    bucket('activity', 'readAndDispatch', '1000', 80) +
    bucket('activity', 'readAndDispatch', '600000', 99) +
    bucket('activity', 'readAndDispatch', '+Inf', 100) +
    bucket('local_activity', 'openStream', '10', 400) +
    bucket('local_activity', 'openStream', '+Inf', 400);
  const second =
    bucket('local_activity', 'openStream', '10', 600) + bucket('local_activity', 'openStream', '+Inf', 600);
  api.answer({ status: 200, body: first }, { status: 200, body: second });
  const urls = ['--metrics-url', `${api.url}/metrics`, `${api.url}/other`];
  const { exitCode, out } = await ran(['timeouts', ...urls]);
  expect(exitCode).toBe(0);
  const text = out.replaceAll(/\s+/g, ' ');
  expect(text).toContain('openStream: p50 5 ms, p95 10 ms, p99 10 ms (1000 attempts)');
  expect(text).toContain('deliverPatiently: no samples');
  expect(text).toContain('Warning: readAndDispatch: startToClose is less than 2 × p99');

  api.answer({ status: 200, body: first });
  const { out: json } = await ran(['timeouts', '--json', '--metrics-url', `${api.url}/metrics`]);
  const report: unknown = JSON.parse(json);
  expect(report).toMatchObject({
    isMeasured: true,
    sources: expect.arrayContaining([
      expect.objectContaining({
        classes: expect.arrayContaining([
          expect.objectContaining({
            policy: expect.objectContaining({ name: 'scan' }),
            measured: [expect.objectContaining({ activityType: 'readAndDispatch', samples: 100 })],
          }),
        ]),
      }),
    ]),
  });
});

test.each([
  [['--metrics-url', 'metrics'], 2, /--metrics-url: expected an address/],
  [['--metrics-url', 'http://user:secret@127.0.0.1/metrics'], 2, /--metrics-url: expected an address/],
  [['--metrics-url', 'http://127.0.0.1:1/metrics'], 1, /the metrics at http:\/\/127.0.0.1:1 cannot be read/],
])('%j fails in one line', async (args, exitCode, message) => {
  const result = await ran(['timeouts', ...args]);
  expect(result).toMatchObject({ exitCode, out: '' });
  expect(result.err).toMatch(message);
  expect(result.err).not.toContain('secret');
  expect(result.err.trim()).not.toContain('\n');
});

test('an endpoint that refuses is named', async () => {
  api.answer({ status: 404, body: 'no' });
  await expect(ran(['timeouts', '--metrics-url', `${api.url}/metrics`])).resolves.toMatchObject({
    exitCode: 1,
    err: expect.stringContaining('answered 404'),
  });
});
