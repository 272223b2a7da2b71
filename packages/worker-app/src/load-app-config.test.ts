import { describe, expect, test } from '@jest/globals';
import { ConfigError, integer, loadConfig, secret } from '@heliograph/service';
import * as v from 'valibot';
import { loadAppConfig, unknownVariablesOf, variablesOf } from './load-app-config.ts';
import { sharedVariables } from './variables.ts';

const API = { temporal: false, worker: false };
const WORKER = { temporal: true, worker: true };

const REQUIRED = {
  HELIOGRAPH_POSTGRES_URL: 'postgres://h/db',
  HELIOGRAPH_CLICKHOUSE_URL: 'http://h:8123',
  HELIOGRAPH_TEMPORAL_ADDRESS: 'h:7233',
};

const problemsOf = (load: () => unknown): readonly string[] => {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ variable }) => variable);
    throw error;
  }
  return [];
};

describe('an app reads', () => {
  test.each([
    [
      'a worker with both databases',
      { databases: { postgres: {}, clickhouse: {} } },
      WORKER,
      ['HELIOGRAPH_POSTGRES_URL', 'HELIOGRAPH_CLICKHOUSE_URL', 'HELIOGRAPH_TEMPORAL_ADDRESS'],
    ],
    ['a worker without databases', {}, WORKER, ['HELIOGRAPH_TEMPORAL_ADDRESS']],
    ['an API with PostgreSQL', { databases: { postgres: {} } }, API, ['HELIOGRAPH_POSTGRES_URL']],
    ['an API with nothing', {}, API, []],
    ['an API with a variable of its own', { variables: { HELIOGRAPH_X: secret() } }, API, ['HELIOGRAPH_X']],
  ])(
    '%s: nothing it does not use is required, and all that is missing is named at once',
    (_, options, role, missing) => {
      expect(problemsOf(() => loadAppConfig({ name: 'tiny', ...options }, role, {}))).toEqual(missing);
    },
  );

  test('where PostgreSQL is, when large payloads are stored outside, although it has no such database', () => {
    const env = { HELIOGRAPH_CODEC_KEYS: '{}', HELIOGRAPH_CODEC_CLAIMS: 'postgres' };
    const load = (codec: object) => () =>
      loadAppConfig({ name: 'a', ...codec }, { temporal: false, worker: false }, env);
    expect(load({ codec: {} })).toThrow(/HELIOGRAPH_POSTGRES_URL/);
    expect(load({})).not.toThrow();
  });

  test('where ClickHouse is, when its traces go there, although it has no such database', () => {
    const env = { HELIOGRAPH_TRACES_IN_CLICKHOUSE: 'true' };
    expect(problemsOf(() => loadAppConfig({ name: 'tiny' }, API, env))).toEqual([
      'HELIOGRAPH_CLICKHOUSE_URL',
    ]);
  });

  test('its own variables into its configuration, and hands out no shared one', () => {
    const options = { name: 'tiny', variables: { HELIOGRAPH_X: integer({ default: 7 }) } };
    const config = loadAppConfig(options, API, { HELIOGRAPH_HTTP_PORT: '1' });
    const x: number = config.HELIOGRAPH_X;
    expect(x).toBe(7);
    expect(Object.keys(config)).toEqual(['HELIOGRAPH_X']);
    // @ts-expect-error -- a shared variable is not the app's
    expect(config.HELIOGRAPH_HTTP_PORT).toBeUndefined();
  });

  test('each shared variable as it is declared once: declaring it again is refused', () => {
    const options = { name: 'tiny', variables: { HELIOGRAPH_HTTP_PORT: integer({ default: 1 }) } };
    expect(() => loadAppConfig(options, API, {})).toThrow(
      'tiny declares shared variables again: HELIOGRAPH_HTTP_PORT',
    );
  });
});

describe('an app with a codec needs keys', () => {
  const encrypting = { name: 'tiny', codec: { domain: 'tiny' } };
  const messageOf = (load: () => unknown): string => {
    try {
      load();
    } catch (error) {
      if (error instanceof ConfigError) return error.message;
      throw error;
    }
    return '';
  };

  test('named beside everything else that is missing', () => {
    expect(messageOf(() => loadAppConfig(encrypting, WORKER, {})).split('\n')).toEqual([
      'HELIOGRAPH_TEMPORAL_ADDRESS: is not set; expected text',
      'no keys for payloads: set one of HELIOGRAPH_CODEC_KEYS_FILE, HELIOGRAPH_CODEC_KEYS, HELIOGRAPH_CODEC_ENVELOPE_KEYS_FILE; or HELIOGRAPH_CODEC_MODE=off to store payloads in clear',
    ]);
  });

  test.each([
    ['keys', { HELIOGRAPH_CODEC_KEYS: '{}' }],
    ['encryption switched off', { HELIOGRAPH_CODEC_MODE: 'off' }],
  ])('and has enough with %s', (_, env) => {
    expect(messageOf(() => loadAppConfig(encrypting, API, env))).toBe('');
  });

  test('also if it only opens key rings, whatever the mode', () => {
    const opening = { name: 'tiny', codec: {} };
    expect(messageOf(() => loadAppConfig(opening, API, { HELIOGRAPH_CODEC_MODE: 'off' }))).toMatch(
      /^no keys for payloads: set one of .*ENVELOPE_KEYS_FILE$/,
    );
  });

  test('and has no other variable of them checked if it declares none', () => {
    expect(messageOf(() => loadAppConfig({ name: 'tiny' }, API, { HELIOGRAPH_CODEC_MODE: 'x' }))).toBe('');
  });
});

test('the variables of an app are those that its parts read', () => {
  expect(Object.keys(variablesOf({ name: 'tiny', databases: { postgres: {} } }, API))).toEqual([
    'HELIOGRAPH_HTTP_HOST',
    'HELIOGRAPH_HTTP_PORT',
    'HELIOGRAPH_HTTP_TLS_CERT_FILE',
    'HELIOGRAPH_HTTP_TLS_KEY_FILE',
    'HELIOGRAPH_LOG_LEVEL',
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'HELIOGRAPH_TRACES_IN_CLICKHOUSE',
    'HELIOGRAPH_POSTGRES_URL',
    'HELIOGRAPH_DRAIN_MS',
  ]);
});

test('what has a default need not be given', () => {
  expect(loadConfig(v.object(sharedVariables), REQUIRED)).toMatchObject({
    HELIOGRAPH_HTTP_HOST: '127.0.0.1',
    HELIOGRAPH_HTTP_PORT: 4600,
    HELIOGRAPH_LOG_LEVEL: 'info',
    HELIOGRAPH_CLICKHOUSE_DATABASE: 'heliograph',
    HELIOGRAPH_TEMPORAL_NAMESPACE: 'heliograph',
    HELIOGRAPH_TEMPORAL_TLS: false,
    HELIOGRAPH_TEMPORAL_SETUP: false,
    HELIOGRAPH_WORKER_METRICS_PORT: 4602,
  });
});

test('an unknown variable is neither shared, nor its own, nor that of another role', () => {
  const options = {
    name: 'tiny',
    variables: { HELIOGRAPH_X: integer({ default: 1 }) },
    otherVariables: ['HELIOGRAPH_Y'],
  };
  const env = {
    HELIOGRAPH_X: '1',
    HELIOGRAPH_Y: '2',
    HELIOGRAPH_Z: '3',
    HELIOGRAPH_CLICKHOUSE_URL: 'of a database that it has not',
    PATH: '/bin',
  };
  expect(unknownVariablesOf(options, env)).toEqual(['HELIOGRAPH_Z']);
});
