import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { INITIAL_STREAM_STATE } from '../stream/should-notify.ts';
import { dispatchStores } from '../testing/dispatch-ground.ts';
import { nextId } from '../testing/store-drafts.ts';
import { toFingerprint } from './fingerprint.ts';

let ground: Awaited<ReturnType<typeof dispatchStores>>;
beforeAll(async () => {
  ground = await dispatchStores('fingerprint');
});
afterAll(() => ground.close());

/** Inserts rows as a monitor does that bypasses the API, in the order of their fingerprints; gives their event ids. */
async function insertPastTheApi(
  fingerprints: readonly string[],
  status: 'firing' | 'resolved' = 'firing',
): Promise<readonly string[]> {
  const eventIds = fingerprints.map(() => nextId('event'));
  await ground.clickhouse.insert({
    table: 'issues',
    format: 'JSONEachRow',
    values: fingerprints.map((fingerprint, index) => ({
      event_id: eventIds[index],
      monitor: 'm',
      fingerprint,
      status,
      severity: 's',
      starts_at: '2026-01-01 00:00:00',
    })),
  });
  return eventIds;
}

async function readForms(eventIds: readonly string[]): Promise<readonly (string | undefined)[]> {
  const result = await ground.clickhouse.query({
    query: 'SELECT event_id, stream_fingerprint FROM issues WHERE event_id IN {eventIds:Array(String)}',
    query_params: { eventIds },
    use_multipart_params_auto: true,
    format: 'JSONCompactEachRow',
  });
  const rows = new Map(await result.json<[string, string]>());
  return eventIds.map((eventId) => rows.get(eventId));
}

const EDGES = [
  '',
  'a',
  'A',
  'z9'.repeat(32),
  'x'.repeat(65),
  'x'.repeat(100_000),
  'a\n',
  '\na',
  'a\u0000',
  '\u0000',
  '\u0000a',
  'ab\u0000cd',
  'Ünïcödé 漢字 🔥 \u{10FFFF}',
  '\uFEFFa',
  'á',
  '٣',
  'ſ',
  "';--",
  '\\A[a-z0-9]{1,64}\\z',
];
const texts = fc.oneof(
  fc.constantFrom(...EDGES),
  fc.string({ maxLength: 80 }),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: fc.constantFrom('a', 'z', '0', '9', 'A', '-', '\u0000', '\n'), maxLength: 70 }),
  fc.string({ unit: fc.constantFrom('a', 'q', '0', '7'), minLength: 60, maxLength: 68 }),
);

test('ClickHouse and the code make the same of every fingerprint', async () => {
  const given = [
    ...EDGES,
    ...fc.sample(texts, { numRuns: 3000, seed: 20_260_801 }),
    ...fc.sample(texts, 1000),
  ];
  const forms = await readForms(await insertPastTheApi(given));
  for (const [index, text] of given.entries())
    expect({ text, form: forms[index] }).toEqual({ text, form: toFingerprint(text) });
});

test('rows from before the column have it as well, read or materialized, and the migration may be repeated', async () => {
  const statements = readFileSync(
    new URL('../../migrations/clickhouse/0003_stream_fingerprint.sql', import.meta.url),
    'utf8',
  ).split('--> statement-breakpoint');
  await ground.clickhouse.command({ query: 'ALTER TABLE issues DROP INDEX issues_stream_fingerprint' });
  await ground.clickhouse.command({ query: 'ALTER TABLE issues DROP COLUMN stream_fingerprint' });
  const given = ['plain1', 'Not Plain', '', 'é'];
  const eventIds = await insertPastTheApi(given);
  const [addColumn = '', ...others] = statements;
  await ground.clickhouse.command({ query: addColumn });
  await expect(readForms(eventIds)).resolves.toEqual(given.map(toFingerprint));
  for (const query of [...others, ...statements]) await ground.clickhouse.command({ query });
  await expect(readForms(eventIds)).resolves.toEqual(given.map(toFingerprint));
});

test('a resolve that was written past the API is the debt of its stream, and found as it was reported', async () => {
  const reported = 'Pod WEB/1';
  const fingerprint = toFingerprint(reported);
  const stream = { fingerprint, routeId: 'r1', connectedAppId: 'a1' };
  await insertPastTheApi([reported]);
  const first = await ground.issueFinder.findLatest({ fingerprint: reported, at: Date.now() + 60_000 });
  await ground.streams.write({
    stream,
    state: {
      ...INITIAL_STREAM_STATE,
      notificationCount: 1,
      status: 'firing',
      lastPosition: first?.position ?? null,
      lastNotifiedAt: 1,
    },
  });
  await expect(ground.debts.list({ after: null, limit: 100 })).resolves.toMatchObject({ debts: [] });
  const [eventId] = await insertPastTheApi([reported], 'resolved');
  await expect(ground.debts.list({ after: null, limit: 100 })).resolves.toMatchObject({
    debts: [{ stream, issue: { eventId } }],
  });
  for (const asked of [reported, fingerprint])
    await expect(
      ground.issueFinder.findLatest({ fingerprint: asked, at: Date.now() + 60_000 }),
    ).resolves.toMatchObject({ eventId });
});
