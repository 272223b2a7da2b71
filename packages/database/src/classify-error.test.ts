import { describe, expect, test } from '@jest/globals';
import { type ErrorClass, classifyError, guarded, isUnavailable, toDatabaseError } from './classify-error.ts';
import { DatabaseError } from './errors.ts';

const failure = (fields: object, message = 'secret-value'): Error =>
  Object.assign(new Error(message), fields);

describe('classifyError', () => {
  test.each<[string, ErrorClass, unknown]>([
    ['refused connection', 'unavailable', failure({ code: 'ECONNREFUSED' })],
    ['reset connection', 'unavailable', failure({ code: 'ECONNRESET' })],
    ['connection closed under a query', 'unavailable', failure({ code: 'CONNECTION_CLOSED' })],
    ['connect timeout of postgres.js', 'unavailable', failure({ code: 'CONNECT_TIMEOUT' })],
    ['name that does not resolve', 'unavailable', failure({ code: 'ENOTFOUND' })],
    ['terminated by an administrator', 'unavailable', failure({ code: '57P01' })],
    ['starting up', 'unavailable', failure({ code: '57P03' })],
    ['too many connections', 'unavailable', failure({ code: '53300' })],
    ['class 08', 'unavailable', failure({ code: '08006' })],
    [
      'ClickHouse: too many queries',
      'unavailable',
      failure({ code: '202', type: 'TOO_MANY_SIMULTANEOUS_QUERIES' }),
    ],
    ...['243', '394', '439', '735', '745'].map((code): [string, ErrorClass, unknown] => [
      `ClickHouse: ${code}`,
      'unavailable',
      failure({ code }),
    ]),
    ['an answer of a balancer', 'unavailable', failure({ code: 'HTTP_503' })],
    ['an HTTP status of another kind', 'failed', failure({ code: 'HTTP_404' })],
    ['socket hang up without a code', 'unavailable', failure({}, 'socket hang up')],
    [
      'several addresses, all refused',
      'unavailable',
      new AggregateError([failure({ code: 'ECONNREFUSED' })]),
    ],
    ['statement timeout', 'timeout', failure({ code: '57014' })],
    ['lock timeout', 'timeout', failure({ code: '55P03' })],
    ['ClickHouse client timeout', 'timeout', failure({}, 'Timeout error.')],
    ['ClickHouse server timeout', 'timeout', failure({ code: '159' })],
    ['unique violation', 'conflict', failure({ code: '23505' })],
    ['foreign key', 'constraint', failure({ code: '23503' })],
    ['deadlock', 'serialization', failure({ code: '40P01' })],
    ['syntax error', 'failed', failure({ code: '42601' })],
    ['unknown table in ClickHouse', 'failed', failure({ code: '60', type: 'UNKNOWN_TABLE' })],
    ['something else', 'failed', new TypeError('x')],
    ['not an error', 'failed', 'ECONNREFUSED'],
    ['null', 'failed', null],
  ])('%s is %s', (_, expected, error) => {
    expect(classifyError(error)).toBe(expected);
    expect(classifyError(new Error('wrapped', { cause: new Error('again', { cause: error }) }))).toBe(
      expected,
    );
    expect(classifyError(toDatabaseError(error, 'x'))).toBe(expected);
    expect(isUnavailable(error)).toBe(expected === 'unavailable');
  });

  test('a circle of causes ends', () => {
    const error = new Error('a');
    error.cause = error;
    expect(isUnavailable(error)).toBe(false);
  });
});

describe('toDatabaseError', () => {
  test('names what was attempted, code, table and constraint, and nothing of the driver’s text', () => {
    const driver = failure(
      {
        code: '23505',
        schema_name: 'dispatch',
        table_name: 'routes',
        constraint_name: 'routes_name_key',
        detail: 'Key (name)=(secret-value)',
        parameters: ['secret-value'],
      },
      'duplicate key secret-value',
    );
    const drizzle = failure(
      { query: 'insert …', params: ['secret-value'], cause: driver },
      'Failed query: insert\nparams: secret-value',
    );
    const error = toDatabaseError(drizzle, 'save route r1');
    expect(error).toMatchObject({
      code: 'DATABASE_CONFLICT',
      retryable: false,
      driverCode: '23505',
      constraint: 'routes_name_key',
      table: 'dispatch.routes',
    });
    expect(error.message).toBe(
      'save route r1: a row with this key exists (23505, dispatch.routes, routes_name_key)',
    );
    const everything = [
      error.message,
      error.stack,
      String(error.cause),
      (error.cause as Error).stack,
      JSON.stringify(error),
    ].join('\n');
    expect(everything).not.toContain('secret-value');
    expect((error.cause as Error).stack).toMatch(/ {4}at /);
  });

  test('leaves our own errors alone', async () => {
    const own = new DatabaseError('DATABASE_MIGRATION_CHANGED', 'x');
    expect(toDatabaseError(own, 'y')).toBe(own);
    await expect(guarded('y', () => Promise.reject(own))).rejects.toBe(own);
    await expect(guarded('y', () => Promise.resolve(1))).resolves.toBe(1);
  });
});
