import { EDGE_PROBLEM_CODES, tolerant, type ResponseSpec } from '@heliograph/api-contract';
import { describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { createAuthClient } from './client.ts';
import { createKey } from './keys.ts';
import { authOperations } from './operations.ts';
import { AUTH_PROBLEM_CODES } from './problem-codes.ts';

const table = Object.entries(authOperations).map(([name, operation]) => ({ name, operation }));

describe.each(table)('$name', ({ name, operation }) => {
  test('is the method of the client and the id in the OpenAPI document', () => {
    expect(operation.operationId).toBe(name);
    expect(createAuthClient({ url: 'http://localhost' })).toHaveProperty(name);
  });

  test('answers what a tolerant reader can read', () => {
    const schemas = Object.values<ResponseSpec>(operation.responses).flatMap(({ schema }) => schema ?? []);
    expect(() => schemas.map((schema) => tolerant(schema))).not.toThrow();
  });

  test('can answer with problem codes that are known', () => {
    const codes = Object.values<readonly string[]>(operation.problems).flat();
    expect([...AUTH_PROBLEM_CODES, ...EDGE_PROBLEM_CODES]).toEqual(expect.arrayContaining(codes));
  });

  test('demands a scope: nothing here is public', () => {
    expect(operation.scope).toMatch(/^auth:(?:keys|members|roles|logins|nonces|maintenance):(?:read|write)$/);
  });
});

test('every problem code of this API is answered by an operation', () => {
  const answered = new Set(
    table.flatMap(({ operation }) => Object.values<readonly string[]>(operation.problems).flat()),
  );
  expect(AUTH_PROBLEM_CODES.filter((code) => !answered.has(code))).toEqual([]);
});

test.each<[string, object, boolean]>([
  ['as few as it needs', {}, true],
  ['an expiry', { expiresAt: '2030-01-31T12:00:00Z' }, true],
  ['no scope', { scopes: [] }, false],
  ['a scope with a blank', { scopes: ['routes:read routes:write'] }, false],
  ['a name of two lines', { name: 'a\nb' }, false],
  ['a name of blanks', { name: '  ' }, false],
  ['an expiry on a day that does not exist', { expiresAt: '2030-02-31T12:00:00Z' }, false],
  ['an expiry without a zone', { expiresAt: '2030-01-31T12:00:00' }, false],
  ['a tenant in capitals', { tenant: 'ACME' }, false],
  ['a member that nobody knows', { admin: true }, false],
])('a new key may have %s: %j is %s', (_, more, isValid) => {
  expect(v.is(createKey.body, { name: 'ci', scopes: ['routes:read'], ...more })).toBe(isValid);
});
