import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { apiGround } from '../testing/api-ground.ts';

/** An event is stored once, however often, wherever and in whatever batches it is reported. */
let api: Awaited<ReturnType<typeof apiGround>>;
let replica: Awaited<ReturnType<typeof api.startReplica>>;
let last = 0;
const unique = (prefix: string): string => `${prefix}${++last}`;

beforeAll(async () => {
  api = await apiGround();
  replica = await api.startReplica();
});
afterAll(async () => {
  await replica.stop();
  await api.close();
});

const issue = (parts: object = {}) => ({ monitor: 'pod-restarts', status: 'firing', ...parts });
const post = (
  body: unknown,
  headers: Record<string, string> = {},
  { call }: Pick<typeof api, 'call'> = api,
) => call('POST', '/api/v1/issues', { body, headers });
const rowsWith = async (fingerprint: string) => {
  const rows = await api.issues.scan({ from: '0', after: { position: '0', eventId: '' }, limit: 100_000 });
  return rows.filter((row) => row.fingerprint === fingerprint);
};
const idsIn = (answer: Awaited<ReturnType<typeof post>>): string[] =>
  answer.json.stored.map(({ eventId }: { eventId: string }) => eventId);

describe('an event that is reported again', () => {
  test('after a thousand other inserts and a day, in another batch and to another instance, is stored once', async () => {
    const fingerprint = unique('again');
    const events = [1, 2, 3].map((n) => issue({ fingerprint, eventId: `${fingerprint}-${n}` }));
    await expect(post({ issues: events })).resolves.toMatchObject({ status: 200 });
    // A part of a day ago is another partition, and its inserts are past the window of a thousand.
    await api.clickhouse.command({
      query: `INSERT INTO issues (event_id, event_hash, monitor, fingerprint, status, severity, starts_at, stored_at, position)
        SELECT event_id || '-old', event_hash, monitor, fingerprint, status, severity, starts_at,
          stored_at - INTERVAL 1 DAY, position - bitShiftLeft(toUInt64(86400000), 22)
        FROM issues WHERE fingerprint = '${fingerprint}'`,
    });
    for (let at = 0; at < 1010; at += 101) {
      await Promise.all(
        Array.from({ length: 101 }, (_, n) =>
          api.issues.append(
            [{ ...NEW, eventId: `${fingerprint}-other-${at + n}` }],
            `${fingerprint}${at + n}`,
          ),
        ),
      );
    }
    const again = await post(
      { issues: [events[2], events[0], issue({ fingerprint, eventId: `${fingerprint}-4` })] },
      {},
      replica,
    );
    expect(again).toMatchObject({ status: 200, json: { refused: [] } });
    expect(idsIn(again)).toEqual([3, 1, 4].map((n) => `${fingerprint}-${n}`));
    const old = await post({
      issues: events.map((event, at) => ({ ...event, eventId: `${fingerprint}-${at + 1}-old` })),
    });
    expect(old.status).toBe(200);
    expect((await rowsWith(fingerprint)).map(({ eventId }) => eventId).toSorted()).toEqual(
      [
        ...[1, 2, 3].flatMap((n) => [`${fingerprint}-${n}`, `${fingerprint}-${n}-old`]),
        `${fingerprint}-4`,
      ].toSorted(),
    );
  });

  test('many times at once to one instance is stored once', async () => {
    const fingerprint = unique('atonce');
    const events = [1, 2, 3, 4].map((n) => issue({ fingerprint, eventId: `${fingerprint}-${n}` }));
    const batches = Array.from({ length: 12 }, (_, n) => ({ issues: [events[n % 4], events[(n + 1) % 4]] }));
    const answers = await Promise.all(batches.map((body) => post(body)));
    expect(answers.map(({ status }) => status)).toEqual(batches.map(() => 200));
    await expect(rowsWith(fingerprint)).resolves.toHaveLength(4);
  });

  test('without its start, which is the time of the request, is the same event', async () => {
    const fingerprint = unique('start');
    const event = issue({ fingerprint, eventId: fingerprint });
    await post(event);
    await expect(post(event, {}, replica)).resolves.toMatchObject({ status: 200 });
    await expect(post({ ...event, labels: {} })).resolves.toMatchObject({ status: 200 });
    await expect(post({ ...event, startsAt: '2020-01-01T00:00:00Z' })).resolves.toMatchObject({
      status: 409,
    });
    await expect(rowsWith(fingerprint)).resolves.toHaveLength(1);
  });

  test('after it was written past the API is compared with its row', async () => {
    const fingerprint = unique('past');
    const startsAt = Date.parse('2026-01-01T00:00:00Z');
    const labels = { b: '2', a: '1' };
    await api.issues.append([{ ...NEW, fingerprint, eventId: fingerprint, startsAt, labels }], fingerprint);
    const event = issue({
      monitor: 'm',
      severity: 's',
      fingerprint,
      eventId: fingerprint,
      labels: { a: '1', b: '2' },
    });
    await expect(post(event)).resolves.toMatchObject({ status: 200 });
    await expect(post({ ...event, startsAt: '2026-01-01T01:00:00+01:00' })).resolves.toMatchObject({
      status: 200,
    });
    await expect(post({ ...event, status: 'resolved' })).resolves.toMatchObject({ status: 409 });
    await expect(rowsWith(fingerprint)).resolves.toHaveLength(1);
  });
});

const NEW = {
  monitor: 'm',
  fingerprint: 'other',
  status: 'firing',
  severity: 's',
  labels: {},
  annotations: {},
  startsAt: 0,
  endsAt: null,
} as const;

describe('an event id with other content', () => {
  test.each<[string, object]>([
    ['another status', { status: 'resolved' }],
    ['another severity', { severity: 'critical' }],
    ['another label', { labels: { constructor: 'x' } }],
    ['another annotation', { annotations: { a: 'b' } }],
    ['another end', { endsAt: '2026-01-01T00:00:00Z' }],
    ['another monitor', { monitor: 'else' }],
  ])('(%s) is refused by every instance, and not stored', async (_, change) => {
    const fingerprint = unique('reused');
    const event = issue({ fingerprint, eventId: fingerprint });
    await post(event);
    for (const instance of [api, replica]) {
      await expect(post({ ...event, ...change }, {}, instance)).resolves.toMatchObject({
        status: 409,
        json: {
          code: 'ISSUES_EVENT_ID_REUSED',
          errors: [{ pointer: '/eventId', detail: expect.stringContaining('other content') }],
        },
      });
    }
    await expect(rowsWith(fingerprint)).resolves.toMatchObject([{ status: 'firing' }]);
  });

  test('in one batch is refused with its index, the others are stored', async () => {
    const fingerprint = unique('batch');
    const event = issue({ fingerprint, eventId: fingerprint });
    const answer = await post({
      issues: [event, { ...event, status: 'resolved' }, event, issue({ fingerprint }), { status: 'burning' }],
    });
    expect(answer).toMatchObject({
      status: 207,
      json: {
        stored: [{ index: 0 }, { index: 2 }, { index: 3 }],
        refused: [
          { index: 1, errors: [{ pointer: '/issues/1/eventId' }] },
          { index: 4, errors: expect.anything() },
        ],
      },
    });
    await expect(rowsWith(fingerprint)).resolves.toMatchObject([{ status: 'firing' }, { status: 'firing' }]);
  });
});

describe('an idempotency key', () => {
  test('without event ids stores once in every instance', async () => {
    const fingerprint = unique('key');
    const headers = { 'idempotency-key': fingerprint };
    const body = { issues: [issue({ fingerprint }), issue({ fingerprint })] };
    const first = await post(body, headers);
    const second = await post(body, headers, replica);
    expect(second).toMatchObject({ status: 200 });
    expect(idsIn(second)).toEqual(idsIn(first));
    expect(new Set(idsIn(first)).size).toBe(2);
    await expect(rowsWith(fingerprint)).resolves.toHaveLength(2);
  });

  test('of another caller is another key', async () => {
    const fingerprint = unique('caller');
    const options = { body: issue({ fingerprint }), headers: { 'idempotency-key': fingerprint } };
    await api.call('POST', '/api/v1/issues', options);
    await api.call('POST', '/api/v1/issues', { ...options, key: 'monitor-key-monitor-key' });
    await expect(rowsWith(fingerprint)).resolves.toHaveLength(2);
  });

  test('with other content is refused by another instance as well', async () => {
    const fingerprint = unique('changed');
    const headers = { 'idempotency-key': fingerprint };
    await post(issue({ fingerprint }), headers);
    await expect(post(issue({ fingerprint, status: 'resolved' }), headers, replica)).resolves.toMatchObject({
      status: 409,
      json: { errors: [{ pointer: '', detail: expect.stringContaining('Idempotency-Key') }] },
    });
    await expect(rowsWith(fingerprint)).resolves.toHaveLength(1);
  });
});

test('a thousand long event ids are looked up in one request', async () => {
  const fingerprint = unique('many');
  const issues = Array.from({ length: 1000 }, (_, n) =>
    issue({ fingerprint, eventId: `${'x'.repeat(120)}${fingerprint}${n}`.slice(-128) }),
  );
  for (const instance of [api, replica])
    await expect(post({ issues }, {}, instance)).resolves.toMatchObject({ status: 200 });
  const rows = await rowsWith(fingerprint);
  expect(rows).toHaveLength(1000);
  const read = await Promise.all(rows.slice(0, 300).map((row) => replica.services.issues.read(row)));
  expect(read.every((row) => row !== null)).toBe(true);
});
