import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import {
  choice,
  durationMs,
  flag,
  integer,
  list,
  port,
  secret,
  text,
  url,
  type ConfigField,
} from './config-fields.ts';
import { loadConfig, unknownVariables } from './config.ts';
import { ConfigError } from './errors.ts';
import { Secret } from './secret.ts';

const read = (field: ConfigField<unknown>, value: string | undefined): unknown =>
  loadConfig(v.object({ X: field }), { X: value }).X;
const refusal = (run: () => unknown): ConfigError => {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error;
  }
  throw new Error('nothing was refused');
};

describe('fields', () => {
  test.each<[string, ConfigField<unknown>, string | undefined, unknown]>([
    ['text', text(), 'a b', 'a b'],
    ['text by default', text({ default: 'd' }), undefined, 'd'],
    ['empty is not set', text({ default: 'd' }), '', 'd'],
    ['optional', text({ optional: true }), undefined, undefined],
    ['integer', integer({ min: 1, max: 10 }), '10', 10],
    ['integer 0 by default', integer({ default: 0 }), undefined, 0],
    ['negative integer', integer({ min: -5 }), '-5', -5],
    ['port', port(), '65535', 65_535],
    ['milliseconds', durationMs(), '250ms', 250],
    ['bare milliseconds', durationMs(), '250', 250],
    ['seconds', durationMs(), '10s', 10_000],
    ['minutes', durationMs(), '5m', 300_000],
    ['hours', durationMs(), '2h', 7_200_000],
    ['days', durationMs(), '1d', 86_400_000],
    ['flag on', flag(), 'YES', true],
    ['flag off', flag({ default: true }), '0', false],
    ['flag false by default', flag({ default: false }), undefined, false],
    ['choice', choice(['debug', 'info']), 'info', 'info'],
    ['url', url({ schemes: ['postgres'] }), 'postgres://u:p@h/db', 'postgres://u:p@h/db'],
    ['list', list(), ' a, b,,c ', ['a', 'b', 'c']],
    ['empty list by default', list({ default: [] }), undefined, []],
  ])('%s', (_, field, value, expected) => {
    expect(read(field, value)).toEqual(expected);
  });

  test.each<[string, ConfigField<unknown>, string | undefined]>([
    ['missing text', text(), undefined],
    ['text against its pattern', text({ pattern: /^[a-z]+$/ }), 'A'],
    ['integer with a fraction', integer(), '1.5'],
    ['integer below', integer({ min: 1 }), '0'],
    ['integer above', integer({ max: 5 }), '6'],
    ['integer in hex', integer(), '0x10'],
    ['integer beyond 2^53', integer(), '9007199254740993'],
    ['port above', port(), '65536'],
    ['duration without a number', durationMs(), 's'],
    ['duration in fortnights', durationMs(), '1fn'],
    ['duration above', durationMs({ max: 1000 }), '2s'],
    ['flag maybe', flag(), 'maybe'],
    ['choice of something else', choice(['a']), 'b'],
    ['url of another scheme', url(), 'ftp://x'],
    ['url without a scheme', url(), 'localhost:80'],
    ['short secret', secret({ minLength: 8 }), 'short'],
  ])('%s is refused with the variable’s name', (_, field, value) => {
    const error = refusal(() => read(field, value));
    expect(error.code).toBe('SERVICE_CONFIG_INVALID');
    expect(error.problems).toEqual([{ variable: 'X', detail: expect.stringContaining('expected') }]);
  });
});

describe('loadConfig', () => {
  const schema = v.object({
    HELIOGRAPH_PORT: port({ default: 8080 }),
    HELIOGRAPH_KEY: secret({ minLength: 10 }),
    HELIOGRAPH_POSTGRES_URL: url({ schemes: ['postgres'] }),
  });

  test('gives typed values', () => {
    const config = loadConfig(schema, {
      HELIOGRAPH_KEY: 'k'.repeat(10),
      HELIOGRAPH_POSTGRES_URL: 'postgres://h/d',
    });
    const asNumber: number = config.HELIOGRAPH_PORT;
    expect(asNumber).toBe(8080);
    expect(config.HELIOGRAPH_KEY.reveal()).toBe('k'.repeat(10));
  });

  test('tells all problems at once, one line each, and never a secret or a URL', () => {
    const error = refusal(() =>
      loadConfig(schema, {
        HELIOGRAPH_PORT: 'x1',
        HELIOGRAPH_KEY: 'hunter2',
        HELIOGRAPH_POSTGRES_URL: 'mysql://u:hunter2@h',
      }),
    );
    expect(error.message.split('\n')).toEqual([
      'HELIOGRAPH_PORT: expected a port from 0 to 65535, got "x1"',
      'HELIOGRAPH_KEY: expected a secret of at least 10 characters',
      'HELIOGRAPH_POSTGRES_URL: expected a URL that begins with postgres://',
    ]);
  });

  test('rules over several variables and foreign schemas are reported without values', () => {
    const pair = v.pipe(
      v.object({ A: integer({ default: 1 }), B: integer({ default: 2 }) }),
      v.check(({ A, B }) => A < B, 'A has to be less than B'),
    );
    expect(refusal(() => loadConfig(pair, { A: '5' })).message).toBe('A has to be less than B');
    const foreign = v.object({ TOKEN: v.pipe(v.string(), v.minLength(20)) });
    expect(refusal(() => loadConfig(foreign, { TOKEN: 'hunter2' })).message).not.toContain('hunter2');
  });

  test('unknown variables with the prefix are found', () => {
    const env = { HELIOGRAPH_PORT: '1', HELIOGRAPH_PROT: '2', HOME: '/', HELIOGRAPH_A: '' };
    expect(unknownVariables([schema], env)).toEqual(['HELIOGRAPH_A', 'HELIOGRAPH_PROT']);
  });

  test('what Kubernetes sets for a service is not an unknown variable', () => {
    const env = {
      HELIOGRAPH_API_SERVICE_HOST: '10.0.0.1',
      HELIOGRAPH_API_SERVICE_PORT: '4600',
      HELIOGRAPH_API_SERVICE_PORT_HTTP: '4600',
      HELIOGRAPH_API_PORT: 'tcp://10.0.0.1:4600',
      HELIOGRAPH_API_PORT_4600_TCP_ADDR: '10.0.0.1',
      HELIOGRAPH_API_KEY: 'x',
      HELIOGRAPH_OTHER_PORT: '1',
    };
    expect(unknownVariables([schema], env)).toEqual(['HELIOGRAPH_API_KEY', 'HELIOGRAPH_OTHER_PORT']);
  });
});

test('a secret shows itself to nobody but reveal', () => {
  const value = new Secret('hunter2');
  for (const shown of [
    String(value),
    [value].join(),
    JSON.stringify({ value }),
    inspect({ value }, { showHidden: true, depth: 5 }),
    Object.keys(value).join(),
  ]) {
    expect(shown).not.toContain('hunter2');
  }
  expect(value.reveal()).toBe('hunter2');
});
