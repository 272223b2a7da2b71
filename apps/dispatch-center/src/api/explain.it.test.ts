import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { INITIAL_STREAM_STATE, notificationIdOf, type StreamKey } from '@heliograph/dispatch-workflows';
import type { LedgerEntry, StoredIssue } from '@heliograph/dispatch-workflows/stores';
import { apiGround } from '../testing/api-ground.ts';

let api: Awaited<ReturnType<typeof apiGround>>;
let last = 0;
const unique = (prefix: string): string => `${prefix}${++last}`;
const ON_CALL = 'on-call-key-on-call-key';

beforeAll(async () => {
  api = await apiGround();
});
afterAll(() => api.close());

const explain = (fingerprint: string, more: Record<string, string> = {}) =>
  api.call('GET', `/api/v1/explain?${new URLSearchParams({ fingerprint, ...more }).toString()}`, {
    key: ON_CALL,
  });
const store = async (fingerprint: string, parts: object = {}): Promise<StoredIssue> => {
  const body = {
    monitor: 'pod-restarts',
    status: 'firing',
    severity: 'critical',
    fingerprint,
    labels: { fingerprint },
    ...parts,
  };
  const { json } = await api.call('POST', '/api/v1/issues', { body });
  const [{ eventId }] = json.stored;
  const rows = await api.issues.scan({ from: '0', after: { position: '0', eventId: '' }, limit: 100_000 });
  const row = rows.findLast((each) => each.eventId === eventId);
  if (row === undefined) throw new Error('the issue was not stored');
  return row;
};
const newApp = async (): Promise<{ id: string; name: string }> => {
  const body = {
    name: unique('app '),
    provider: 'webhook',
    settings: { url: 'https://example.com/hook' },
    secret: `whsec_${Buffer.alloc(24, 0x5a).toString('base64')}`,
  };
  return (await api.call('POST', '/api/v1/connected-apps', { body })).json;
};
const newRoute = async (
  query: string,
  ...connectedAppIds: string[]
): Promise<{ id: string; name: string }> => {
  const body = { name: unique('route '), query, connectedAppIds };
  return (await api.call('POST', '/api/v1/routes', { body })).json;
};
const of = ({ fingerprint, eventId, position }: StoredIssue) => ({ fingerprint, eventId, position });
const seen = async (row: StoredIssue, revision?: number): Promise<LedgerEntry> => ({
  ...of(row),
  id: `${row.position}:seen`,
  at: row.storedAt + 100,
  stage: 'seen',
  configVersion: revision ?? (await api.routes.listActive()).revision,
});
const matched = (row: StoredIssue, routeId: string, apps: readonly string[]): LedgerEntry => ({
  ...of(row),
  id: `${row.position}:matched:${routeId}`,
  at: row.storedAt + 100,
  stage: 'matched',
  routeId,
  configVersion: 1,
  clause: 'severity:"critical"',
  apps,
});
/** The one route of an answer that matched. */
const matchedRoute = (json: { routes: { matched: boolean }[] }) => json.routes.find((route) => route.matched);

describe('what is asked for', () => {
  test.each<[string, number, string]>([
    ['', 400, 'INPUT_INVALID'],
    ['?fingerprint=', 400, 'INPUT_INVALID'],
    ['?fingerprint=a&at=yesterday', 400, 'INPUT_INVALID'],
    ['?fingerprint=a&at=2026-01-01T00:00:00', 400, 'INPUT_INVALID'],
    ['?fingerprint=a&at=2026-02-31T00:00:00Z', 400, 'INPUT_INVALID'],
    [`?fingerprint=${'a'.repeat(1025)}`, 400, 'INPUT_INVALID'],
    ['?fingerprint=nobody-knows-this', 404, 'DISPATCH_ALERT_UNKNOWN'],
  ])('%s is %d %s', async (query, status, code) => {
    await expect(api.call('GET', `/api/v1/explain${query}`)).resolves.toMatchObject({
      status,
      json: { code },
    });
  });

  test.each<[string | null, number]>([
    [null, 401],
    ['reader-key-reader-key', 403],
    [ON_CALL, 404],
  ])('with key %s is %d', async (key, status) => {
    await expect(api.call('GET', '/api/v1/explain?fingerprint=x', { key })).resolves.toMatchObject({
      status,
    });
    const debts = await api.call('GET', '/api/v1/resolve-debts', { key });
    expect(debts.status).toBe(status === 404 ? 200 : status);
  });
});

describe('an alert is explained', () => {
  test('that no scan has seen, with the routes of now, by the fingerprint that its monitor gave', async () => {
    const name = unique('Odd Name ');
    const [app, row] = [await newApp(), await store(name)];
    const route = await newRoute(`fingerprint:${row.fingerprint}`, app.id);
    const { status, json } = await explain(name);
    expect(status).toBe(200);
    expect(json).toMatchObject({
      fingerprint: row.fingerprint,
      eventId: row.eventId,
      seenAt: null,
      issue: { storedAt: new Date(row.storedAt).toISOString(), labels: { fingerprint: name } },
      summary: expect.stringContaining('no scan has read it'),
    });
    expect(matchedRoute(json)).toMatchObject({
      id: route.id,
      streams: [{ connectedAppId: app.id, connectedAppName: app.name, reason: 'not_scanned_yet' }],
    });
    await expect(explain(row.fingerprint)).resolves.toMatchObject({
      status: 200,
      json: { eventId: row.eventId },
    });
  });

  test('with the routes as they were when it was scanned', async () => {
    const fingerprint = unique('revision');
    const [app, row] = [await newApp(), await store(fingerprint)];
    const route = await newRoute(`fingerprint:${fingerprint}x`, app.id);
    await api.ledger.write({ entries: [await seen(row)], runs: [] });
    const body = { name: unique('route '), query: `fingerprint:${fingerprint}`, connectedAppIds: [app.id] };
    await expect(
      api.call('PUT', `/api/v1/routes/${route.id}`, { body, headers: { 'if-match': '*' } }),
    ).resolves.toMatchObject({ status: 200 });
    const newer = await newRoute(`fingerprint:${fingerprint}`, app.id);
    const { json } = await explain(fingerprint);
    expect(matchedRoute(json)).toBeUndefined();
    const byId = new Map(json.routes.map((each: { id: string }) => [each.id, each]));
    expect(byId.get(route.id)).toMatchObject({
      reason: 'not_matched',
      version: 1,
      clause: `fingerprint:"${fingerprint}x"`,
      summary: expect.stringContaining('the route has changed since'),
    });
    expect(byId.get(newer.id)).toMatchObject({ reason: 'route_is_newer' });
  });

  test('that was delivered, from the rows of the delivery', async () => {
    const fingerprint = unique('told');
    const [app, row] = [await newApp(), await store(fingerprint)];
    const route = await newRoute(`fingerprint:${fingerprint}`, app.id);
    await api.ledger.write({ entries: [await seen(row), matched(row, route.id, [app.id])], runs: [] });
    const stream: StreamKey = { fingerprint, routeId: route.id, connectedAppId: app.id };
    const notificationId = notificationIdOf(stream, row.position);
    const issue = { ...row, policy: { version: 1, renotifyIntervalMs: null, maxSignalAgeMs: 3_600_000 } };
    const decidedAt = row.storedAt + 200;
    const notice = { kind: 'trigger', reason: 'new' } as const;
    const claim = {
      stream,
      notificationId,
      ...notice,
      issue,
      state: INITIAL_STREAM_STATE,
      decidedAt,
      timeToLiveMs: 1000,
    };
    const inputs = {
      reason: 'new',
      routeName: 'all',
      appName: 'sink',
      sequence: 0,
      provider: 'webhook',
      externalId: null,
      settings: {},
    } as const;
    await api.intents.claim({ order: claim, provider: 'webhook', token: 'a1', inputs });
    const underWay = await explain(fingerprint);
    expect(matchedRoute(underWay.json)).toMatchObject({
      streams: [{ reason: 'new', outcome: { kind: 'pending' } }],
    });

    const common = {
      ...of(row),
      routeId: route.id,
      connectedAppId: app.id,
      configVersion: 1,
      notificationId,
      ...notice,
    };
    await api.streams.write({
      stream,
      state: {
        ...INITIAL_STREAM_STATE,
        status: 'firing',
        lastPosition: row.position,
        lastNotifiedAt: decidedAt,
        notificationCount: 1,
        lastSeen: 'firing',
      },
      intents: [{ notificationId, status: 'delivered', claims: 1, externalId: 'x-1' }],
      ledger: {
        entries: [
          { ...common, id: `${notificationId}:decided`, at: decidedAt, stage: 'decided' },
          {
            ...common,
            id: `${notificationId}:1`,
            at: decidedAt + 5,
            stage: 'attempted',
            attempt: 1,
            outcome: 'delivered',
            status: 204,
            durationMs: 12.5,
            provider: 'webhook',
          },
          {
            ...common,
            id: `${notificationId}:settled`,
            at: decidedAt + 20,
            stage: 'settled',
            outcome: 'delivered',
            provider: 'webhook',
            externalId: 'x-1',
          },
        ],
        runs: [],
      },
    });
    // The ledger has not followed yet; the intent tells already.
    expect(matchedRoute((await explain(fingerprint)).json)).toMatchObject({
      streams: [{ outcome: { kind: 'delivered', externalId: 'x-1' }, openNow: true }],
    });
    await api.ledger.relay();
    const { json } = await explain(fingerprint);
    expect(json.summary).toMatch(/: Delivered at .*: accepted by webhook \(HTTP 204\)\.$/);
    expect(matchedRoute(json)).toMatchObject({
      clause: 'severity:"critical"',
      streams: [
        {
          workflowId: `alert-${fingerprint}-${route.id}-${app.id}`,
          reason: 'new',
          notify: true,
          decision: { reason: 'new', kind: 'trigger', at: new Date(decidedAt).toISOString() },
          attempts: [{ attempt: 1, outcome: 'delivered', status: 204, durationMs: 12.5 }],
          outcome: { kind: 'delivered', at: new Date(decidedAt + 20).toISOString(), externalId: 'x-1' },
          openNow: true,
          owed: false,
        },
      ],
    });
  });

  test('of which decisions were counted together, and one came again', async () => {
    const fingerprint = unique('runs');
    const app = await newApp();
    const route = await newRoute(`fingerprint:${fingerprint}`, app.id);
    const rows = [await store(fingerprint), await store(fingerprint), await store(fingerprint)];
    const [first, second, third] = rows;
    if (first === undefined || second === undefined || third === undefined) throw new Error('not stored');
    const stream: StreamKey = { fingerprint, routeId: route.id, connectedAppId: app.id };
    const run = (from: StoredIssue, to: StoredIssue, count: number) => ({
      stream,
      reason: 'continuing' as const,
      since: first.position,
      version: 1,
      first: { position: from.position, at: from.storedAt + 300 },
      last: { position: to.position, at: to.storedAt + 300 },
      count,
    });
    for (const row of rows) {
      await api.ledger.write({ entries: [await seen(row), matched(row, route.id, [app.id])], runs: [] });
    }
    await api.ledger.write({ entries: [], runs: [run(first, second, 2)] });
    await api.ledger.write({ entries: [], runs: [run(third, third, 1)] });
    const again = { position: second.position, at: third.storedAt + 900 };
    await api.ledger.write({
      entries: [],
      runs: [
        {
          ...run(second, second, 1),
          reason: 'older_than_last',
          since: second.position,
          first: again,
          last: again,
        },
      ],
    });
    for (const [row, repeats] of [
      [first, 0],
      [second, 1],
      [third, 0],
    ] as const) {
      const { json } = await explain(fingerprint, { eventId: row.eventId });
      expect(json.eventId).toBe(row.eventId);
      expect(matchedRoute(json)).toMatchObject({
        streams: [
          {
            reason: 'continuing',
            repeats,
            decision: { count: 3, last: new Date(third.storedAt + 300).toISOString() },
          },
        ],
      });
    }
  });

  test('as of an instant, and by its event where that was stored twice', async () => {
    const fingerprint = unique('at');
    const first = await store(fingerprint, { eventId: `${fingerprint}-e` });
    await api.issues.append([{ ...first, status: 'resolved' }], unique('token-'));
    const before = new Date(first.storedAt).toISOString();
    const { json } = await explain(fingerprint, { eventId: `${fingerprint}-e` });
    expect(json).toMatchObject({ eventId: first.eventId, issue: { status: 'resolved' } });
    expect(BigInt(json.position)).toBeGreaterThan(BigInt(first.position));
    const earlier = await explain(fingerprint, { at: before });
    expect(earlier.json).toMatchObject({ at: before, position: first.position, issue: { status: 'firing' } });
    await expect(explain(fingerprint, { at: '2020-01-01T00:00:00Z' })).resolves.toMatchObject({
      status: 404,
    });
    await expect(explain(fingerprint, { at: '1960-01-01T00:00:00Z' })).resolves.toMatchObject({
      status: 404,
    });
    await expect(explain(fingerprint, { at: '9999-01-01T00:00:00Z' })).resolves.toMatchObject({
      status: 200,
    });
    await expect(explain(fingerprint, { eventId: 'another' })).resolves.toMatchObject({ status: 404 });
  });

  test('that a monitor wrote past the API, by its own name and by the normalised one', async () => {
    const name = unique('Raw Name ');
    const { fingerprint: _, ...row } = await store(unique('template'));
    await api.issues.append([{ ...row, fingerprint: name, eventId: unique('raw-') }], unique('token-'));
    const { json } = await explain(name);
    expect(json.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    const rows = await api.issues.scan({ from: '0', after: { position: '0', eventId: '' }, limit: 100_000 });
    const stored = rows.find((each) => each.fingerprint === json.fingerprint);
    if (stored === undefined) throw new Error('not stored');
    await api.ledger.write({ entries: [await seen(stored)], runs: [] });
    await expect(explain(json.fingerprint)).resolves.toMatchObject({ json: { eventId: stored.eventId } });
  });

  test('whose row is gone, from what the ledger still tells', async () => {
    const fingerprint = unique('gone');
    const row = { ...(await store(unique('template'))), fingerprint, eventId: unique('gone-') };
    const entries = [await seen(row), matched(row, 'removedroute', ['removedapp'])];
    await api.ledger.write({ entries, runs: [] });
    const { json } = await explain(fingerprint);
    expect(json).toMatchObject({ issue: null, eventId: row.eventId, position: row.position });
    expect(matchedRoute(json)).toMatchObject({
      id: 'removedroute',
      streams: [{ connectedAppId: 'removedapp', connectedAppName: null, reason: 'not_decided_yet' }],
    });
  });
});

describe('resolve debts', () => {
  test('are listed by pages until they are paid', async () => {
    const app = await newApp();
    const owe = async (): Promise<StoredIssue> => {
      const fingerprint = unique('owed');
      const firing = await store(fingerprint);
      await api.streams.write({
        stream: { fingerprint, routeId: 'r', connectedAppId: app.id },
        state: {
          ...INITIAL_STREAM_STATE,
          status: 'firing',
          lastPosition: firing.position,
          lastNotifiedAt: firing.storedAt,
          notificationCount: 1,
        },
      });
      return store(fingerprint, { status: 'resolved' });
    };
    const owed = [await owe(), await owe(), await owe()];
    const listed: { fingerprint: string; cursor: unknown }[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page = await api.call(
        'GET',
        `/api/v1/resolve-debts?limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`,
        { key: ON_CALL },
      );
      expect(page.status).toBe(200);
      listed.push(...page.json.items);
      cursor = page.json.nextCursor;
    }
    expect(listed).toMatchObject(
      owed.toReversed().map((row) => ({
        workflowId: `alert-${row.fingerprint}-r-${app.id}`,
        fingerprint: row.fingerprint,
        routeId: 'r',
        connectedAppId: app.id,
        issue: { eventId: row.eventId, storedAt: new Date(row.storedAt).toISOString() },
        intent: null,
      })),
    );
    const [first] = owed;
    if (first === undefined) throw new Error('nothing is owed');
    await api.ledger.write({ entries: [await seen(first)], runs: [] });
    const { json } = await explain(first.fingerprint);
    expect(json.routes.find(({ id }: { id: string }) => id === 'r')).toMatchObject({
      streams: [{ owed: true, openNow: true, reason: 'not_decided_yet' }],
    });
  });

  test.each(['limit=0', 'limit=201', 'cursor=nonsense', 'cursor=ImEi'])('%s is 400', async (query) => {
    await expect(api.call('GET', `/api/v1/resolve-debts?${query}`)).resolves.toMatchObject({ status: 400 });
  });
});
