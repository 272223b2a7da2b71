import { tolerant, type ResponseSpec } from '@heliograph/api-contract';
import { describe, expect, test } from '@jest/globals';
import { createCodecClient } from './client.ts';
import { codecOperations } from './operations.ts';

describe.each(Object.entries(codecOperations).map(([name, operation]) => ({ name, operation })))(
  '$name',
  ({ name, operation }) => {
    test('is the method of the client and the id in the OpenAPI document', () => {
      expect(operation.operationId).toBe(name);
      expect(createCodecClient({ url: 'http://localhost' })).toHaveProperty(name);
    });

    test('answers what a tolerant reader can read', () => {
      const schemas = Object.values<ResponseSpec>(operation.responses).flatMap(({ schema }) => schema ?? []);
      expect(() => schemas.map((schema) => tolerant(schema))).not.toThrow();
    });
  },
);

test('an entry of a newer server, with an outcome and a member that are unknown here, is read', async () => {
  const entry = {
    sequence: 1,
    at: '2026-01-31T12:00:00.000Z',
    requestId: 'r1',
    subject: null,
    action: 'decode',
    namespace: null,
    domain: null,
    keyId: null,
    count: 0,
    outcome: 'postponed',
    reason: 'X',
    previousHash: '0'.repeat(64),
    hash: 'a'.repeat(64),
    tenant: 't1',
  };
  const client = createCodecClient({
    url: 'http://localhost',
    fetch: () => Promise.resolve(Response.json({ items: [entry], nextCursor: null })),
  });
  const { body } = await client.listAuditEntries({ query: {} });
  expect(body.items).toMatchObject([{ requestId: 'r1', outcome: 'postponed' }]);
});
