import { EDGE_PROBLEM_CODES, tolerant, type ResponseSpec } from '@heliograph/api-contract';
import { describe, expect, test } from '@jest/globals';
import { createDispatchClient } from './client.ts';
import { storeIssues } from './issues.ts';
import { dispatchOperations } from './operations.ts';
import { DISPATCH_PROBLEM_CODES } from './problem-codes.ts';

const table = Object.entries(dispatchOperations).map(([name, operation]) => ({ name, operation }));

describe.each(table)('$name', ({ name, operation }) => {
  test('is the method of the client and the id in the OpenAPI document', () => {
    expect(operation.operationId).toBe(name);
    expect(createDispatchClient({ url: 'http://localhost' })).toHaveProperty(name);
  });

  test('answers what a tolerant reader can read', () => {
    const schemas = Object.values<ResponseSpec>(operation.responses).flatMap(({ schema }) => schema ?? []);
    expect(() => schemas.map((schema) => tolerant(schema))).not.toThrow();
  });

  test('can answer with problem codes that are known', () => {
    const codes = Object.values<readonly string[]>(operation.problems).flat();
    expect([...DISPATCH_PROBLEM_CODES, ...EDGE_PROBLEM_CODES]).toEqual(expect.arrayContaining(codes));
  });
});

test('every problem code of this API is answered by an operation', () => {
  const answered = new Set(
    table.flatMap(({ operation }) => Object.values<readonly string[]>(operation.problems).flat()),
  );
  expect(DISPATCH_PROBLEM_CODES.filter((code) => !answered.has(code))).toEqual([]);
});

test.each<[unknown, boolean]>([
  [{ monitor: 'm', status: 'firing', eventId: 'e1' }, true],
  [{ monitor: 'm', status: 'firing' }, false],
  [{ monitor: 'm', status: 'firing', eventId: undefined }, false],
  [{ issues: [{ eventId: 'e1' }, { eventId: 'e2' }] }, true],
  [{ issues: [{ eventId: 'e1' }, {}] }, false],
  [{ issues: 'all' }, false],
  [null, false],
])('storing %j may be repeated: %s', (body, isRepeatable) => {
  expect(storeIssues.isRepeatable(body, {})).toBe(isRepeatable);
  expect(storeIssues.isRepeatable(body, { idempotencyKey: 'k' })).toBe(true);
});

test('storing is repeated where the API was away', async () => {
  const answers = [
    Response.json({ code: 'UNAVAILABLE' }, { status: 503 }),
    Response.json({ stored: [{ index: 0, eventId: 'e1', fingerprint: 'f' }], refused: [] }),
  ];
  const client = createDispatchClient({
    url: 'http://localhost',
    retryDelayMs: 1,
    fetch: () => Promise.resolve(answers.shift() ?? Response.error()),
  });
  await expect(
    client.storeIssues({ body: { monitor: 'm', status: 'firing', eventId: 'e1' } }),
  ).resolves.toMatchObject({ attempts: 2, body: { stored: [{ eventId: 'e1' }] } });
});
