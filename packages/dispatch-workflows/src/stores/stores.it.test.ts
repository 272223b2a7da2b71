import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { StreamKey, StreamState } from '../contract/stream-state.ts';
import { INITIAL_STREAM_STATE } from '../stream/should-notify.ts';
import { comparePositions } from '../contract/position.ts';
import { dispatchStores, newIssue, WEBHOOK_SECRET } from '../testing/dispatch-ground.ts';
import type { ConnectedAppDraft } from '../apps/connected-app-store.ts';
import type { StoredIssue } from '../issues/issue.ts';

let ground: Awaited<ReturnType<typeof dispatchStores>>;
let last = 0;
/** An id that no other test here has. */
const nextId = (prefix: string): string => `${prefix}${++last}`;

beforeAll(async () => {
  ground = await dispatchStores('stores');
});
afterAll(() => ground.close());

const appDraft = (
  parts: Partial<ConnectedAppDraft> = {},
): ConnectedAppDraft & { readonly secret: string } => ({
  name: nextId('app-name-'),
  provider: 'webhook',
  settings: { url: 'https://example.com/hook' },
  enabled: true,
  secret: WEBHOOK_SECRET,
  ...parts,
});
const routeDraft = (parts: object = {}) => ({
  name: nextId('route-name-'),
  query: 'severity:critical',
  enabled: true,
  connectedAppIds: [] as readonly string[],
  ...parts,
});

describe('a connected app', () => {
  test('keeps its secret sealed: nothing in the table reads like it', async () => {
    const id = nextId('app');
    await ground.connectedApps.create(id, appDraft());
    const [row] = await ground.postgres.sql<{ text: string; bytes: string; key: string }[]>`
      select row_to_json(a)::text as text, encode(secret_sealed, 'escape') as bytes, secret_key_id as key
      from dispatch.connected_apps a where id = ${id}`;
    const encoded = WEBHOOK_SECRET.slice('whsec_'.length);
    for (const clear of [WEBHOOK_SECRET, encoded, Buffer.from(encoded, 'base64').toString('latin1')]) {
      expect(row?.text).not.toContain(clear);
      expect(row?.bytes).not.toContain(clear);
    }
    expect(row?.key).toBe('k1');
    await expect(ground.connectedApps.secretOf(id)).resolves.toBe(WEBHOOK_SECRET);
    expect(JSON.stringify(await ground.connectedApps.get(id))).not.toContain(encoded);
  });

  test('whose sealed secret was copied from another app cannot be opened', async () => {
    const [from, to] = [nextId('app'), nextId('app')];
    await ground.connectedApps.create(from, appDraft());
    await ground.connectedApps.create(to, appDraft());
    await ground.postgres.sql`
      update dispatch.connected_apps set secret_sealed = (
        select secret_sealed from dispatch.connected_apps where id = ${from}) where id = ${to}`;
    await expect(ground.connectedApps.secretOf(to)).rejects.toMatchObject({
      code: 'DATABASE_SEALED_CORRUPT',
      retryable: false,
    });
  });

  test('keeps its secret through an update without one, and counts its versions', async () => {
    const id = nextId('app');
    const created = await ground.connectedApps.create(id, appDraft());
    expect(created.version).toBe(1);
    const { secret: _, ...rest } = appDraft({ name: created.name, enabled: false });
    await expect(ground.connectedApps.update(id, 1, rest)).resolves.toMatchObject({
      version: 2,
      enabled: false,
    });
    await expect(ground.connectedApps.secretOf(id)).resolves.toBe(WEBHOOK_SECRET);
    const other = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
    await ground.connectedApps.update(id, 2, { ...rest, secret: other });
    await expect(ground.connectedApps.secretOf(id)).resolves.toBe(other);
  });

  test.each<[string, (id: string) => Promise<unknown>, string]>([
    [
      'an update at an old version',
      (id) => ground.connectedApps.update(id, 7, appDraft()),
      'DISPATCH_CONNECTED_APP_CHANGED',
    ],
    [
      'a removal at an old version',
      (id) => ground.connectedApps.remove(id, 7),
      'DISPATCH_CONNECTED_APP_CHANGED',
    ],
    [
      'a reading of one that is not there',
      () => ground.connectedApps.get('nobody'),
      'DISPATCH_CONNECTED_APP_NOT_FOUND',
    ],
    [
      'an update of one that is not there',
      () => ground.connectedApps.update('nobody', 1, appDraft()),
      'DISPATCH_CONNECTED_APP_NOT_FOUND',
    ],
    [
      'a removal of one that is not there',
      () => ground.connectedApps.remove('nobody', 1),
      'DISPATCH_CONNECTED_APP_NOT_FOUND',
    ],
  ])('refuses %s', async (_, run, code) => {
    const id = nextId('app');
    await ground.connectedApps.create(id, appDraft());
    await expect(run(id)).rejects.toMatchObject({ name: 'DispatchError', code, retryable: false });
  });

  test('has a name of its own, also after an update', async () => {
    const [first, second] = [nextId('app'), nextId('app')];
    const { name } = await ground.connectedApps.create(first, appDraft());
    await ground.connectedApps.create(second, appDraft());
    const taken = { code: 'DISPATCH_NAME_TAKEN' };
    await expect(ground.connectedApps.create(nextId('app'), appDraft({ name }))).rejects.toMatchObject(taken);
    await expect(ground.connectedApps.update(second, 1, appDraft({ name }))).rejects.toMatchObject(taken);
  });

  test('of two updates at once one wins', async () => {
    const id = nextId('app');
    await ground.connectedApps.create(id, appDraft());
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, () => ground.connectedApps.update(id, 1, appDraft())),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(ground.connectedApps.get(id)).resolves.toMatchObject({ version: 2 });
  });

  test('that a route uses cannot be removed; afterwards it can', async () => {
    const [app, route] = [nextId('app'), nextId('route')];
    await ground.connectedApps.create(app, appDraft());
    await ground.routes.create(route, routeDraft({ connectedAppIds: [app] }));
    await expect(ground.connectedApps.remove(app, 1)).rejects.toMatchObject({
      code: 'DISPATCH_CONNECTED_APP_IN_USE',
    });
    await ground.routes.remove(route, 1);
    await ground.connectedApps.remove(app, 1);
    await expect(ground.connectedApps.get(app)).rejects.toMatchObject({
      code: 'DISPATCH_CONNECTED_APP_NOT_FOUND',
    });
  });

  test('is listed by id, page after page', async () => {
    const ids = ['listed1', 'listed2', 'listed3', 'listed4', 'listed5'];
    for (const id of ids.toReversed()) await ground.connectedApps.create(id, appDraft());
    const seen: string[] = [];
    for (let afterId = 'listed'; ; afterId = seen.at(-1) ?? afterId) {
      const page = await ground.connectedApps.list({ afterId, limit: 2 });
      seen.push(...page.map(({ id }) => id).filter((id) => id.startsWith('listed')));
      if (page.length < 2 || !page.every(({ id }) => id.startsWith('listed'))) break;
    }
    expect(seen).toEqual(ids);
  });

  test('is a delivery target with its secret and the name of the route, while it is switched on', async () => {
    const [app, route] = [nextId('app'), nextId('route')];
    const stream = { routeId: route, connectedAppId: app };
    const draft = appDraft();
    await ground.connectedApps.create(app, draft);
    await expect(ground.connectedApps.deliveryTarget(stream)).resolves.toMatchObject({
      secret: WEBHOOK_SECRET,
      routeName: null,
    });
    const { name } = await ground.routes.create(route, routeDraft({ connectedAppIds: [app] }));
    await expect(ground.connectedApps.deliveryTarget(stream)).resolves.toMatchObject({
      routeName: name,
      app: { id: app, settings: draft.settings },
    });
    await ground.connectedApps.update(app, 1, { ...draft, enabled: false });
    await expect(ground.connectedApps.deliveryTarget(stream)).resolves.toBeNull();
  });
});

describe('a route', () => {
  test('names apps that exist, each once', async () => {
    const [app, route] = [nextId('app'), nextId('route')];
    await ground.connectedApps.create(app, appDraft());
    const missing = { code: 'DISPATCH_CONNECTED_APP_NOT_FOUND' };
    await expect(
      ground.routes.create(route, routeDraft({ connectedAppIds: [app, 'nobody'] })),
    ).rejects.toMatchObject(missing);
    await expect(ground.routes.get(route)).rejects.toMatchObject({ code: 'DISPATCH_ROUTE_NOT_FOUND' });
    const draft = routeDraft({ connectedAppIds: [app, app] });
    await expect(ground.routes.create(route, draft)).resolves.toMatchObject({ connectedAppIds: [app] });
    await expect(
      ground.routes.update(route, 1, routeDraft({ connectedAppIds: ['nobody'] })),
    ).rejects.toMatchObject(missing);
    await expect(ground.routes.get(route)).resolves.toMatchObject({ version: 1, connectedAppIds: [app] });
    await expect(
      ground.routes.update(route, 1, { ...draft, connectedAppIds: [], query: '' }),
    ).resolves.toMatchObject({ version: 2, connectedAppIds: [], query: '' });
  });

  test.each<[string, (id: string) => Promise<unknown>, string]>([
    [
      'an update at an old version',
      (id) => ground.routes.update(id, 7, routeDraft()),
      'DISPATCH_ROUTE_CHANGED',
    ],
    ['a removal at an old version', (id) => ground.routes.remove(id, 7), 'DISPATCH_ROUTE_CHANGED'],
    ['a reading of one that is not there', () => ground.routes.get('nobody'), 'DISPATCH_ROUTE_NOT_FOUND'],
    [
      'an update of one that is not there',
      () => ground.routes.update('nobody', 1, routeDraft()),
      'DISPATCH_ROUTE_NOT_FOUND',
    ],
    [
      'a removal of one that is not there',
      () => ground.routes.remove('nobody', 1),
      'DISPATCH_ROUTE_NOT_FOUND',
    ],
  ])('refuses %s', async (_, run, code) => {
    const id = nextId('route');
    await ground.routes.create(id, routeDraft());
    await expect(run(id)).rejects.toMatchObject({ name: 'DispatchError', code });
  });

  test('has a name of its own', async () => {
    const { name } = await ground.routes.create(nextId('route'), routeDraft());
    await expect(ground.routes.create(nextId('route'), routeDraft({ name }))).rejects.toMatchObject({
      code: 'DISPATCH_NAME_TAKEN',
    });
  });

  test('is active while it is switched on, with those of its apps that are', async () => {
    const [on, off, route, disabled] = [nextId('app'), nextId('app'), nextId('route'), nextId('route')];
    await ground.connectedApps.create(on, appDraft());
    await ground.connectedApps.create(off, appDraft({ enabled: false }));
    await ground.routes.create(route, routeDraft({ connectedAppIds: [on, off] }));
    await ground.routes.create(disabled, routeDraft({ connectedAppIds: [on], enabled: false }));
    const { routes: active } = await ground.routes.listActive();
    expect(active.find(({ id }) => id === route)?.connectedAppIds).toEqual([on]);
    expect(active.some(({ id }) => id === disabled)).toBe(false);
    await expect(ground.routes.get(route)).resolves.toMatchObject({ connectedAppIds: [on, off] });
  });

  test('is listed by id with its apps', async () => {
    const app = nextId('app');
    await ground.connectedApps.create(app, appDraft());
    for (const id of ['zz2', 'zz1']) await ground.routes.create(id, routeDraft({ connectedAppIds: [app] }));
    const listed = await ground.routes.list({ afterId: 'zz', limit: 5 });
    expect(listed.map(({ id, connectedAppIds }) => [id, connectedAppIds])).toEqual([
      ['zz1', [app]],
      ['zz2', [app]],
    ]);
    await expect(ground.routes.list({ afterId: null, limit: 1 })).resolves.toHaveLength(1);
  });
});

describe('the state of a stream', () => {
  const at = (lastPosition: string | null, notificationCount = 1): StreamState => ({
    status: 'firing',
    notificationCount,
    lastNotifiedAt: 1_700_000_000_123,
    lastPosition,
    externalIds: { webhook: 'x' },
    lastSeen: 'firing',
    episode: '7',
    silence: { reason: 'continuing', since: '8' },
  });
  const record = (key: StreamKey, state: StreamState) => ground.streams.write({ stream: key, state });
  const stream = () => ({ fingerprint: nextId('f'), routeId: 'r', connectedAppId: 'a' });

  test('is the initial one before anything was recorded, and what was recorded afterwards', async () => {
    const key = stream();
    await expect(ground.streams.read(key)).resolves.toEqual(INITIAL_STREAM_STATE);
    await record(key, at('18446744073709551615'));
    await expect(ground.streams.read(key)).resolves.toEqual(at('18446744073709551615'));
    await expect(ground.streams.read(stream())).resolves.toEqual(INITIAL_STREAM_STATE);
  });

  test('never goes back, in whatever order writers come', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), { minLength: 1, maxLength: 6 }),
        async (positions) => {
          const key = stream();
          await Promise.all(positions.map((position) => record(key, at(String(position)))));
          const newest = positions.reduce((a, b) => (a > b ? a : b));
          await expect(ground.streams.read(key)).resolves.toEqual(at(String(newest)));
        },
      ),
      { numRuns: 15 },
    );
  });

  test('is written again at the same position, and compared as a number', async () => {
    const key = stream();
    await record(key, at('9'));
    await record(key, at('10'));
    await record(key, at('9', 99));
    await record(key, at('10', 2));
    await expect(ground.streams.read(key)).resolves.toEqual(at('10', 2));
  });
});

describe('issues', () => {
  const from = (rows: readonly StoredIssue[], fingerprint: string) =>
    rows.filter((row) => row.fingerprint === fingerprint);
  const all = (fingerprint: string) =>
    ground.issues
      .scan({ from: '0', after: { position: '0', eventId: '' }, limit: 100_000 })
      .then((rows) => from(rows, fingerprint));

  test('of one insert and of inserts one after another get positions in their order', async () => {
    const fingerprint = nextId('order');
    const batches = Array.from({ length: 5 }, (_, batch) =>
      Array.from({ length: 200 }, (__, index) => newIssue({ fingerprint, eventId: `o${batch}.${index}` })),
    );
    for (const [index, batch] of batches.entries())
      await ground.issues.append(batch, `${fingerprint}${index}`);
    const rows = await all(fingerprint);
    expect(rows.map(({ eventId }) => eventId)).toEqual(batches.flat().map(({ eventId }) => eventId));
    expect(new Set(rows.map(({ position }) => position)).size).toBe(rows.length);
  });

  test('are stored once however often one insert is repeated', async () => {
    const fingerprint = nextId('once');
    const issues = [newIssue({ fingerprint }), newIssue({ fingerprint })];
    for (let attempt = 0; attempt < 3; attempt++) await ground.issues.append(issues, `token-${fingerprint}`);
    await expect(all(fingerprint)).resolves.toHaveLength(2);
    await ground.issues.append(issues, `other-${fingerprint}`);
    await expect(all(fingerprint)).resolves.toHaveLength(4);
  });

  test('are scanned page by page, none twice and none left out', async () => {
    const fingerprint = nextId('page');
    await ground.issues.append(
      Array.from({ length: 25 }, (_, index) => newIssue({ fingerprint, eventId: `p${index}` })),
      fingerprint,
    );
    const rows = await all(fingerprint);
    const start = rows[0]?.position ?? '0';
    const seen: StoredIssue[] = [];
    for (let after = { position: start, eventId: '' }; ;) {
      const page = await ground.issues.scan({ from: start, after, limit: 7 });
      seen.push(...page);
      const end = page.at(-1);
      if (page.length < 7 || end === undefined) break;
      after = { position: end.position, eventId: end.eventId };
    }
    expect(from(seen, fingerprint).map(({ eventId }) => eventId)).toEqual(rows.map(({ eventId }) => eventId));
    const positions = seen.map(({ position }) => position);
    expect(positions).toEqual(positions.toSorted(comparePositions));
  });

  test('are read one by one, many at once, and null where one is gone', async () => {
    const fingerprint = nextId('read');
    const issues = Array.from({ length: 30 }, (_, index) =>
      newIssue({ fingerprint, eventId: `read-${index}`, annotations: { summary: `number ${index}` } }),
    );
    await ground.issues.append(issues, fingerprint);
    const rows = await all(fingerprint);
    const read = await Promise.all(rows.map((row) => ground.issues.read(row)));
    expect(read).toEqual(rows);
    await expect(ground.issues.read({ position: '1', eventId: 'read-1' })).resolves.toBeNull();
    const [first, second] = rows;
    await expect(
      Promise.all([
        ground.issues.read({ position: first?.position ?? '', eventId: second?.eventId ?? '' }),
        ground.issues.read({ position: second?.position ?? '', eventId: first?.eventId ?? '' }),
      ]),
    ).resolves.toEqual([null, null]);
  });

  test.each<[string, string]>([
    ['quotes and backslashes', `'"\\ \\' \\" \\\\`],
    ['line ends and tabs', 'a\nb\r\nc\td'],
    ['other scripts and emoji', 'Ünïcödé 漢字 🔥 \u{10FFFF}'],
    ['SQL', `'; DROP TABLE issues; --`],
    ['placeholders', '{from:UInt64} $1 ? :name'],
    ['NUL and control characters', 'a\u0000b\u0001\u001f\u007f'],
    ['nothing', ''],
    ['a long text', 'x'.repeat(30_000)],
  ])('keep %s', async (_, text) => {
    const fingerprint = nextId('weird');
    const issue = newIssue({
      fingerprint,
      eventId: nextId('event'),
      monitor: text,
      severity: text,
      labels: { [text]: text, plain: 'x' },
      annotations: { text },
      startsAt: 1_700_000_000_001,
      endsAt: 1_700_000_000_999,
    });
    await ground.issues.append([issue], fingerprint);
    const [row] = await all(fingerprint);
    expect(row).toMatchObject({ ...issue });
  });

  test.each<[string, string]>([
    ['the year 1', '0001-01-01T00:00:00Z'],
    ['1899', '1899-12-31T23:59:59Z'],
    ['1970', '1970-01-01T00:00:00Z'],
    ['2299', '2299-12-31T23:59:59Z'],
    ['the year 9999', '9999-12-31T23:59:59Z'],
  ])('of %s are stored', async (_, text) => {
    const fingerprint = nextId('instant');
    const at = Date.parse(text);
    await ground.issues.append([newIssue({ fingerprint, startsAt: at, endsAt: at })], fingerprint);
    await expect(all(fingerprint)).resolves.toMatchObject([{ startsAt: at, endsAt: at }]);
  });

  test('that a monitor wrote past the API have a fingerprint that fits into a workflow id', async () => {
    const eventId = nextId('past');
    await ground.clickhouse.insert({
      table: 'issues',
      format: 'JSONEachRow',
      values: [
        {
          event_id: eventId,
          monitor: 'm',
          fingerprint: 'Not A-Fingerprint',
          status: 'firing',
          severity: 's',
          labels: {},
          annotations: {},
          starts_at: '2026-01-01 00:00:00',
          ends_at: null,
        },
      ],
    });
    const rows = await ground.issues.scan({
      from: '0',
      after: { position: '0', eventId: '' },
      limit: 100_000,
    });
    expect(rows.find((row) => row.eventId === eventId)?.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  });
});
