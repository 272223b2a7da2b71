import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { loadConfig, type Env } from '@heliograph/service';
import { sharedVariables } from '@heliograph/worker-app';
import { INSERT_LIMITS } from '@heliograph/dispatch-workflows/stores';
import * as v from 'valibot';
import { activitySettings, apiVariables, parseApiKeys, workerVariables } from './config.ts';

const env = {
  HELIOGRAPH_POSTGRES_URL: 'postgres://h/db',
  HELIOGRAPH_CLICKHOUSE_URL: 'http://h:8123',
  HELIOGRAPH_TEMPORAL_ADDRESS: 'h:7233',
  HELIOGRAPH_SEALING_KEYS: `k1:${Buffer.alloc(32, 1).toString('base64url')}`,
  HELIOGRAPH_API_KEYS: 'ci:0123456789abcdef:issues:write',
};

const loadApiConfig = (from: Env) => loadConfig(v.object({ ...sharedVariables, ...apiVariables }), from);
const loadWorkerConfig = (from: Env) =>
  loadConfig(v.object({ ...sharedVariables, ...workerVariables }), from);

describe('api keys', () => {
  test.each<[string, object | null]>([
    [
      'a:0123456789abcdef:issues:write+routes:read, b:fedcba9876543210:*',
      [
        { id: 'a', secret: '0123456789abcdef', scopes: ['issues:write', 'routes:read'] },
        { id: 'b', secret: 'fedcba9876543210', scopes: ['*'] },
      ],
    ],
    ['a:short:*', null],
    ['a:0123456789abcdef', null],
    ['a:0123456789abcdef:', null],
    ['a:0123456789abcdef:issues:write+', null],
    [':0123456789abcdef:*', null],
    ['a b:0123456789abcdef:*', null],
    ['a:0123456789abcdef:*,', null],
    ['', null],
  ])('%j', (value, keys) => {
    expect(parseApiKeys(value)).toEqual(keys);
  });

  test('that a bearer header cannot carry are refused, since nobody could use them', () => {
    expect(parseApiKeys('a:has spaces in the middle:*')).toBeNull();
    expect(parseApiKeys('a:ümläute-ümläute-ü:*')).toBeNull();
  });

  test('of one id or one secret twice are refused', () => {
    expect(parseApiKeys('a:0123456789abcdef:*,a:fedcba9876543210:*')).toBeNull();
    expect(parseApiKeys('a:0123456789abcdef:*,b:0123456789abcdef:*')).toBeNull();
  });
});

test('what has a default need not be given', () => {
  expect(loadApiConfig(env)).toMatchObject({
    HELIOGRAPH_HTTP_PORT: 4600,
    HELIOGRAPH_ALLOW_PRIVATE_ADDRESSES: false,
    HELIOGRAPH_WAKE_WINDOW_MS: 100,
  });
  expect(loadWorkerConfig(env)).toMatchObject({
    HELIOGRAPH_SCAN_INTERVAL_MS: 15_000,
    HELIOGRAPH_MAX_RUNNING_ALERTS: 5000,
    HELIOGRAPH_BATCH_WINDOW_MS: 100,
  });
});

test('a provider that asks to wait is asked again after five minutes, or after what is configured', () => {
  const maxThrottleOf = (from: Env) => activitySettings(loadWorkerConfig(from)).maxThrottleMs;
  expect(maxThrottleOf(env)).toBe(300_000);
  expect(maxThrottleOf({ ...env, HELIOGRAPH_MAX_THROTTLE_MS: '1h' })).toBe(3_600_000);
  expect(() => maxThrottleOf({ ...env, HELIOGRAPH_MAX_THROTTLE_MS: '0' })).toThrow(
    /HELIOGRAPH_MAX_THROTTLE_MS: expected a duration/,
  );
});

test('a configuration does not show its secrets when it is printed', () => {
  const config = loadApiConfig({ ...env, HELIOGRAPH_TEMPORAL_API_KEY: 'tem-poral-key' });
  const shown = JSON.stringify(config);
  for (const clear of ['0123456789abcdef', 'tem-poral-key', env.HELIOGRAPH_SEALING_KEYS])
    expect(shown).not.toContain(clear);
});

test('the README names every variable, and none that is not there', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const named = new Set(readme.match(/\b(?:HELIOGRAPH|OTEL)_[A-Z_]+\b/g));
  const read = { ...sharedVariables, ...apiVariables, ...workerVariables };
  expect([...named].toSorted()).toEqual(Object.keys(read).toSorted());
});

test('an overlap that an insert and differing clocks can exceed is refused at the start', () => {
  const load = (overlap: string) => loadWorkerConfig({ ...env, HELIOGRAPH_SCAN_OVERLAP_MS: overlap });
  const { visibleAfterMs } = INSERT_LIMITS;
  expect(() => load(String(visibleAfterMs))).toThrow(
    /HELIOGRAPH_SCAN_OVERLAP_MS: expected a duration .* from 8000|at least 8000 ms/,
  );
  expect(load('8s').HELIOGRAPH_SCAN_OVERLAP_MS).toBe(8000);
  expect(loadWorkerConfig(env).HELIOGRAPH_SCAN_OVERLAP_MS).toBeGreaterThanOrEqual(2 * visibleAfterMs);
});
