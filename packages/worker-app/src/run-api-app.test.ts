import { describe, expect, test } from '@jest/globals';
import { createEdge, integer } from '@heliograph/service';
import * as v from 'valibot';
import { runApiApp } from './run-api-app.ts';
import { fakeHost } from './testing/fake-host.ts';

const packageJson = new URL('../package.json', import.meta.url);
const common = { name: 'tiny-api', packageJson };

/** Runs an API that has nothing but one route, and resolves when `edge` was asked for it. */
function runTiny(env: Record<string, string>) {
  const host = fakeHost({
    HELIOGRAPH_LOG_LEVEL: 'error',
    HELIOGRAPH_HTTP_PORT: '0',
    HELIOGRAPH_DRAIN_MS: '0',
    ...env,
  });
  const stops: string[] = [];
  const done = runApiApp({
    ...common,
    host,
    variables: { HELIOGRAPH_TINY: integer({ default: 7 }) },
    edge: (app) => {
      app.register({ name: 'tiny', stop: async () => void stops.push('tiny') });
      const edge = createEdge(app.edgeOptions);
      edge.route({
        method: 'GET',
        path: '/tiny',
        summary: 'x',
        scope: null,
        responses: { 200: { description: 'x', schema: v.number() } },
        handler: () => ({ status: 200, body: app.config.HELIOGRAPH_TINY }),
      });
      return edge;
    },
  });
  return { host, stops, done };
}

describe('an API without databases and without Temporal', () => {
  test('needs no variable, and stops at a signal', async () => {
    const { host, stops, done } = runTiny({});
    await new Promise((resolve) => setImmediate(resolve));
    host.signal();
    await expect(done).resolves.toBe(0);
    expect([host.exits, host.lines, stops]).toEqual([[0], [], ['tiny']]);
  });

  test('names what is wrong with its variables, own and shared, and ends with 1', async () => {
    const { host, done } = runTiny({ HELIOGRAPH_TINY: 'seven', HELIOGRAPH_HTTP_PORT: '70000' });
    await expect(done).resolves.toBe(1);
    expect(host.lines).toEqual([
      'tiny-api: cannot start: HELIOGRAPH_HTTP_PORT: expected a port from 0 to 65535, got "70000"',
      'tiny-api: cannot start: HELIOGRAPH_TINY: expected a whole number of at least 0, got "seven"',
    ]);
  });

  test('has no client, by type', () => {
    // Never run: the types are the test.
    const untyped = () =>
      runApiApp({
        ...common,
        databases: { postgres: {} },
        edge: (app) => {
          void app.postgres.sql;
          // @ts-expect-error -- ClickHouse was not declared
          void app.clickhouse;
          // @ts-expect-error -- `temporal` was not given
          void app.client;
          return createEdge(app.edgeOptions);
        },
      });
    const typed = () =>
      runApiApp({
        ...common,
        temporal: { callTimeoutMs: 1 },
        edge: (app) => {
          void app.client.workflow;
          return createEdge(app.edgeOptions);
        },
      });
    expect([typeof untyped, typeof typed]).toEqual(['function', 'function']);
  });
});
