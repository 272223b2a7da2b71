import { AUDIT_ACTIONS, AUDIT_OUTCOMES, createCodecClient } from '@heliograph/codec-api';
import * as audit from '@heliograph/codec-audit';
import { createAuditLog, createAuditReader, migrateAudit } from '@heliograph/codec-audit/store';
import { connectPostgres, type Postgres } from '@heliograph/database';
import { createBearerAuth } from '@heliograph/service';
import { freshPostgres, type FreshPostgres } from '@heliograph/testkit';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type GroundOptions, startWireGround } from '../testing/wire-ground.ts';

let database: FreshPostgres;
let pg: Postgres;
let ground: Awaited<ReturnType<typeof startWireGround>>;
const KEYS = { auditor: 'auditor-key-of-tests', reader: 'reader-key-of-tests' };

beforeAll(async () => {
  database = await freshPostgres('codec-audit-api');
  pg = connectPostgres({ url: database.url, applicationName: 'codec-audit-api' });
  await migrateAudit(pg);
  ground = await startWireGround({
    auth: createBearerAuth([
      { id: 'auditor', secret: KEYS.auditor, scopes: ['audit:read'] },
      { id: 'reader', secret: KEYS.reader, scopes: ['keys:read'], roles: ['developer'] },
    ]),
    overrides: { auditReader: createAuditReader({ pg }) },
  });
  const log = createAuditLog({ pg });
  for (let index = 0; index < 5; index++)
    await log.append([
      {
        at: new Date(Date.parse('2026-01-31T12:00:00Z') + index * 1000),
        requestId: `r${index}`,
        subject: index === 2 ? 'user:\u001B[2Jeve' : 'user:ada',
        action: 'decode',
        namespace: 'test',
        domain: 'dispatch',
        keyId: 'd1',
        count: index,
        outcome: index === 3 ? 'denied' : 'allowed',
        reason: index === 3 ? 'POLICY_DENIED' : null,
      },
    ]);
});
afterAll(async () => {
  await ground.close();
  await pg.close();
  await database.drop();
});

const client = (apiKey: string) => createCodecClient({ url: ground.url, apiKey, maxAttempts: 1 });

test('actions and outcomes of the contract are those of the log', () => {
  expect(AUDIT_ACTIONS).toEqual(audit.AUDIT_ACTIONS);
  expect(AUDIT_OUTCOMES).toEqual(audit.AUDIT_OUTCOMES);
});

test('pages follow one another in both orders, and the last one says so', async () => {
  for (const order of ['newest', 'oldest'] as const) {
    const found: number[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < 3; page++) {
      const { body } = await client(KEYS.auditor).listAuditEntries({
        query: { order, limit: 2, ...(cursor === undefined ? {} : { cursor }) },
      });
      found.push(...body.items.map(({ sequence }) => sequence));
      cursor = body.nextCursor ?? undefined;
    }
    expect(cursor).toBeUndefined();
    expect(found).toEqual(order === 'oldest' ? [1, 2, 3, 4, 5] : [5, 4, 3, 2, 1]);
  }
});

test('conditions hold together', async () => {
  const numbers = async (query: Parameters<ReturnType<typeof client>['listAuditEntries']>[0] & object) =>
    (await client(KEYS.auditor).listAuditEntries(query)).body.items.map(({ sequence }) => sequence);
  await expect(numbers({ query: { outcome: 'denied' } })).resolves.toEqual([4]);
  await expect(numbers({ query: { subject: 'user:\u001B[2Jeve' } })).resolves.toEqual([3]);
  await expect(
    numbers({ query: { from: '2026-01-31T12:00:01Z', to: '2026-01-31T12:00:03Z' } }),
  ).resolves.toEqual([3, 2]);
  await expect(numbers({ query: { namespace: 'other' } })).resolves.toEqual([]);
});

test('what the API answers is the chain as it was hashed', async () => {
  const { body } = await client(KEYS.auditor).listAuditEntries({ query: { order: 'oldest' } });
  const chain = body.items.map(({ at, previousHash, hash, ...entry }) => ({
    ...entry,
    at: new Date(at),
    previousHash: Buffer.from(previousHash, 'hex'),
    hash: Buffer.from(hash, 'hex'),
  }));
  await expect(audit.verifyChain(chain)).resolves.toMatchObject({ kind: 'intact', head: { sequence: 5 } });
});

test('the scope is one of its own, and who reads the log, or tries to, is in it', async () => {
  ground.entries.length = 0;
  await expect(client(KEYS.reader).listAuditEntries({ query: {} })).rejects.toMatchObject({
    status: 403,
    code: 'SCOPE_MISSING',
  });
  await expect(client('wrong-key-of-tests').listAuditEntries({ query: {} })).rejects.toMatchObject({
    status: 401,
  });
  await client(KEYS.auditor).listAuditEntries({ query: { limit: 3 } });
  const nothing = { action: 'audit', namespace: null, domain: null, keyId: null, count: 0 };
  expect(ground.entries).toMatchObject([
    { ...nothing, subject: 'reader', outcome: 'denied', reason: 'SCOPE_MISSING' },
    { ...nothing, subject: null, outcome: 'denied', reason: 'CREDENTIALS_UNKNOWN' },
    { ...nothing, subject: 'auditor', count: 3, outcome: 'allowed', reason: null },
  ]);
});

test('a cursor or an instant that is none is refused', async () => {
  const auditor = client(KEYS.auditor);
  await expect(auditor.listAuditEntries({ query: { cursor: 'nonsense' } })).rejects.toMatchObject({
    status: 400,
    code: 'CURSOR_INVALID',
  });
  await expect(auditor.listAuditEntries({ query: { from: 'yesterday' } })).rejects.toMatchObject({
    status: 400,
  });
});

test('while the log cannot be read, the answer is 503', async () => {
  await pg.sql`alter table codec_audit.entries rename to away`;
  await expect(client(KEYS.auditor).listAuditEntries({ query: {} })).rejects.toMatchObject({
    status: 503,
    code: 'AUDIT_UNAVAILABLE',
  });
  await pg.sql`alter table codec_audit.away rename to entries`;
});

describe('many readers', () => {
  const limited = (overrides: NonNullable<GroundOptions['overrides']>) =>
    startWireGround({
      auth: createBearerAuth([
        { id: 'auditor', secret: KEYS.auditor, scopes: ['audit:read'], roles: ['developer'] },
        { id: 'other', secret: KEYS.reader, scopes: ['audit:read'] },
      ]),
      overrides: { auditReader: createAuditReader({ pg }), ...overrides },
    });
  const read = (url: string, apiKey: string) =>
    createCodecClient({ url, apiKey, maxAttempts: 1 }).listAuditEntries({ query: { limit: 1 } });

  test('are limited each, apart from their requests for payloads, and the first refusal is on the record', async () => {
    const other = await limited({ auditReadsPerMinute: 2 });
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => read(other.url, KEYS.auditor)));
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual([
      'fulfilled',
      'fulfilled',
      ...Array(3).fill('rejected'),
    ]);
    await expect(read(other.url, KEYS.auditor)).rejects.toMatchObject({ status: 429, code: 'RATE_LIMITED' });
    await read(other.url, KEYS.reader);
    expect((await other.post('/decode', 'auditor', [])).status).toBe(200);
    const entries = other.entries.map(({ subject, action, reason }) => `${subject} ${action} ${reason}`);
    expect(entries.toSorted()).toEqual([
      'auditor audit RATE_LIMITED',
      'auditor audit null',
      'auditor audit null',
      'auditor decode null',
      'other audit null',
    ]);
    await other.close();
  });

  test('without right credentials are limited together, whatever they ask for', async () => {
    const other = await limited({ requestsPerMinute: 3 });
    const statuses: number[] = [];
    for (const path of [
      '/api/v1/audit/entries',
      '/api/v1/auth/keys',
      '/api/v1/auth/none',
      '/decode',
      '/api/v1/audit/entries',
    ]) {
      const { status } = await other.send(path, {
        method: path === '/decode' ? 'POST' : 'GET',
        headers: { authorization: 'Bearer somebody-elses-key' },
      });
      statuses.push(status);
    }
    expect(statuses).toEqual([401, 404, 404, 429, 429]);
    expect(other.entries.map(({ action, reason }) => [action, reason])).toEqual([
      ['audit', 'CREDENTIALS_UNKNOWN'],
      ['access', 'NOT_FOUND'],
      ['access', 'NOT_FOUND'],
      ['decode', 'RATE_LIMITED'],
    ]);
    await expect(read(other.url, KEYS.auditor)).resolves.toMatchObject({ status: 200 });
    await other.close();
  });
});
