import { createRequire } from 'node:module';
import { authOperations } from '@heliograph/auth-api';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '@heliograph/testkit';
import { apiGround } from '../testing/api-ground.ts';

let api: Awaited<ReturnType<typeof apiGround>>;
let last = 0;
/** A text that no other test here has. */
const unique = (prefix: string): string => `${prefix}${++last}`;

beforeAll(async () => {
  api = await apiGround();
});
afterAll(() => api.close());

const issue = (parts: object = {}) => ({ monitor: 'pod-restarts', status: 'firing', ...parts });
const post = (body: unknown, headers: Record<string, string> = {}) =>
  api.call('POST', '/api/v1/issues', { body, headers });
const rows = () => api.issues.scan({ from: '0', after: { position: '0', eventId: '' }, limit: 100_000 });
const rowsWith = async (fingerprint: string) =>
  (await rows()).filter((row) => row.fingerprint === fingerprint);

const SECRET = `whsec_${Buffer.alloc(24, 0x5a).toString('base64')}`;
const OTHER_SECRET = `whsec_${Buffer.alloc(32, 0x6b).toString('base64')}`;
const appBody = (parts: object = {}) => ({
  name: unique('app '),
  provider: 'webhook',
  settings: { url: 'https://example.com/hook' },
  secret: SECRET,
  ...parts,
});
const newApp = async (parts: object = {}) =>
  (await api.call('POST', '/api/v1/connected-apps', { body: appBody(parts) })).json;
const routeBody = (parts: object = {}) => ({ name: unique('route '), query: 'severity:critical', ...parts });
const newRoute = (parts: object = {}) => api.call('POST', '/api/v1/routes', { body: routeBody(parts) });

describe('storing issues', () => {
  test('takes a single one as it is, and wakes the orchestrator', async () => {
    const fingerprint = unique('single');
    const before = api.state.stored;
    const sent = issue({
      eventId: unique('event-'),
      fingerprint,
      severity: 'critical',
      labels: { namespace: 'payments' },
      annotations: { summary: 'a pod restarts' },
      startsAt: '2026-01-02T03:04:05.006Z',
      endsAt: '2026-01-02T04:00:00+01:00',
    });
    const answer = await post(sent);
    expect(answer).toMatchObject({
      status: 200,
      json: {
        stored: [{ index: 0, eventId: sent['eventId' as keyof typeof sent], fingerprint }],
        refused: [],
      },
    });
    expect(api.state.stored).toBe(before + 1);
    await expect(rowsWith(fingerprint)).resolves.toMatchObject([
      {
        ...sent,
        startsAt: Date.parse('2026-01-02T03:04:05.006Z'),
        endsAt: Date.parse('2026-01-02T03:00:00Z'),
      },
    ]);
  });

  test('fills in what is left out: event id, fingerprint, severity, start', async () => {
    const labels = { pod: unique('pod-') };
    const { json } = await post(issue({ labels }));
    const [stored] = json.stored;
    expect(stored.eventId).toMatch(/^[0-9a-f-]{36}$/);
    expect(stored.fingerprint).toMatch(/^[0-9a-f]{32}$/);
    const [row] = await rowsWith(stored.fingerprint);
    expect(row).toMatchObject({ severity: 'none', annotations: {}, endsAt: null });
    expect(Math.abs((row?.startsAt ?? 0) - (row?.storedAt ?? 0))).toBeLessThan(60_000);
    await expect(post(issue({ labels }))).resolves.toMatchObject({
      json: { stored: [{ fingerprint: stored.fingerprint }] },
    });
  });

  test.each(['Odd Fingerprint', 'a-b', 'ümläut', '{"a":1}', 'x'.repeat(1000)])(
    'hashes a fingerprint that does not fit into a workflow id: %j',
    async (fingerprint) => {
      const { status, json } = await post(issue({ fingerprint }));
      expect(status).toBe(200);
      expect(json.stored[0].fingerprint).toMatch(/^[0-9a-f]{64}$/);
    },
  );

  test('takes a batch in its order', async () => {
    const fingerprint = unique('batch');
    const issues = Array.from({ length: 300 }, (_, index) =>
      issue({ fingerprint, eventId: `${fingerprint}-${index}` }),
    );
    const { status, json } = await post({ issues });
    expect(status).toBe(200);
    expect(json.stored.map(({ index }: { index: number }) => index)).toEqual(issues.map((_, index) => index));
    expect((await rowsWith(fingerprint)).map(({ eventId }) => eventId)).toEqual(
      issues.map((_, index) => `${fingerprint}-${index}`),
    );
  });

  test('stores a batch once, however often it is sent with its event ids', async () => {
    const fingerprint = unique('again');
    const body = {
      issues: [issue({ fingerprint, eventId: unique('e') }), issue({ fingerprint, eventId: unique('e') })],
    };
    for (let attempt = 0; attempt < 3; attempt++)
      await expect(post(body)).resolves.toMatchObject({ status: 200 });
    await expect(rowsWith(fingerprint)).resolves.toHaveLength(2);
  });

  test('answers a repeated idempotency key with the first answer', async () => {
    const fingerprint = unique('key');
    const headers = { 'idempotency-key': unique('key-') };
    const first = await post(issue({ fingerprint }), headers);
    const again = await post(issue({ fingerprint }), headers);
    expect(again.json).toEqual(first.json);
    await expect(rowsWith(fingerprint)).resolves.toHaveLength(1);
  });

  test('refuses what is malformed in a batch with its index and reason, and stores the others', async () => {
    const fingerprint = unique('partial');
    const { status, json } = await post({
      issues: [
        issue({ fingerprint }),
        issue({ status: 'burning' }),
        'nonsense',
        issue({ fingerprint, labels: { a: 7 } }),
        issue({ fingerprint, startsAt: 'yesterday' }),
        issue({ fingerprint, colour: 'red' }),
        issue({ fingerprint, labels: { half: 'a\ud800b' } }),
        issue({ fingerprint, status: 'resolved' }),
      ],
    });
    expect(status).toBe(207);
    expect(json.stored.map(({ index }: { index: number }) => index)).toEqual([0, 7]);
    expect(
      json.refused.map(
        ({ index, errors }: { index: number; errors: { pointer: string; detail: string }[] }) => [
          index,
          errors[0]?.pointer,
          typeof errors[0]?.detail,
        ],
      ),
    ).toEqual([
      [1, '/issues/1/status', 'string'],
      [2, '/issues/2', 'string'],
      [3, '/issues/3/labels/a', 'string'],
      [4, '/issues/4/startsAt', 'string'],
      [5, '/issues/5/colour', 'string'],
      [6, '/issues/6/labels/half', 'string'],
    ]);
    await expect(rowsWith(fingerprint)).resolves.toHaveLength(2);
  });

  test('of which none can be stored is a problem, and wakes nobody', async () => {
    const before = api.state.stored;
    const answer = await post({ issues: [issue({ status: 'burning' }), 7] });
    expect(answer).toMatchObject({ status: 422, json: { code: 'ISSUES_INVALID' } });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.json.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
      '/issues/0/status',
      '/issues/1',
    ]);
    expect(api.state.stored).toBe(before);
  });

  test.each<[string, unknown]>([
    ['an unknown member', issue({ colour: 'red' })],
    ['an unknown member beside a batch', { issues: [issue()], colour: 'red' }],
    ['an empty batch', { issues: [] }],
    ['a batch of more than a thousand', { issues: Array.from({ length: 1001 }, () => issue()) }],
    ['a batch that is no list', { issues: 'all of them' }],
    ['no object', [issue()]],
    ['nothing', null],
    ['an event id with spaces', issue({ eventId: 'a b' })],
    ['an empty monitor', issue({ monitor: '' })],
    [
      'too many labels',
      issue({ labels: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`l${i}`, ''])) }),
    ],
    ['a day that does not exist', issue({ startsAt: '2026-02-31T00:00:00Z' })],
  ])('refuses %s', async (_, body) => {
    const answer = await post(body);
    expect(answer.status).toBe(422);
    expect(answer.json.errors.length).toBeGreaterThan(0);
  });

  test.each(['0001-01-01T00:00:00Z', '1969-12-31T23:59:59Z', '9999-12-31T23:59:59Z'])(
    'takes the instant %s without harm to others',
    async (startsAt) => {
      const fingerprint = unique('instant');
      await expect(post(issue({ fingerprint, startsAt, endsAt: startsAt }))).resolves.toMatchObject({
        status: 200,
      });
      await expect(rowsWith(fingerprint)).resolves.toHaveLength(1);
    },
  );

  test.each<[string, unknown, string, string]>([
    ['an empty batch', { issues: [] }, '/issues', 'Expected 1 to 1,000 issues.'],
    [
      'a batch of more than a thousand',
      { issues: Array.from({ length: 1001 }, () => issue()) },
      '/issues',
      'Expected 1 to 1,000 issues.',
    ],
    ['a batch that is no array', { issues: 'all of them' }, '/issues', 'Expected an array of issues.'],
    ['a member beside a batch', { issues: [issue()], colour: 1 }, '/colour', 'This member is not known.'],
    ['an array of labels', issue({ labels: ['a'] }), '/labels', 'Expected Object.'],
    ['an array', [issue()], '', 'Expected an issue, or {"issues": […]} with 1 to 1,000 issues.'],
    ['a member "constructor"', issue({ constructor: 1 }), '/constructor', 'This member is not known.'],
    [
      'an instant before year 1',
      issue({ startsAt: '0001-01-01T00:00:00+01:00' }),
      '/startsAt',
      'Expected an instant that is in the years 0001 to 9999 in UTC.',
    ],
  ])('says of %s what is wrong, and where', async (_, body, pointer, detail) => {
    const answer = await post(body);
    expect(answer).toMatchObject({ status: 422, json: { errors: [{ pointer, detail }] } });
  });

  test('refuses a member "__proto__", which is none of an issue', async () => {
    const rawBody = '{"monitor":"m","status":"firing","__proto__":{"severity":"critical"}}';
    await expect(api.call('POST', '/api/v1/issues', { rawBody })).resolves.toMatchObject({
      status: 422,
      json: { errors: [{ pointer: '/__proto__' }] },
    });
  });

  test('of an instant that cannot be stored refuses that issue alone', async () => {
    const fingerprint = unique('late');
    const answer = await post({
      issues: [issue({ fingerprint, endsAt: '9999-12-31T23:59:59-05:00' }), issue({ fingerprint })],
    });
    expect(answer).toMatchObject({
      status: 207,
      json: { stored: [{ index: 1 }], refused: [{ index: 0, errors: [{ pointer: '/issues/0/endsAt' }] }] },
    });
    await expect(rowsWith(fingerprint)).resolves.toHaveLength(1);
  });

  test('refuses a body of more than 8 MiB', async () => {
    const body = { issues: [issue({ annotations: { text: 'x'.repeat(9 * 1024 * 1024) } })] };
    await expect(post(body)).resolves.toMatchObject({ status: 413 });
  });

  test('refuses what is no JSON', async () => {
    await expect(api.call('POST', '/api/v1/issues', { rawBody: '{"monitor":' })).resolves.toMatchObject({
      status: 400,
    });
  });
});

describe('routes', () => {
  test('are created, read, replaced and removed', async () => {
    const app = await newApp();
    const created = await newRoute({ connectedAppIds: [app.id] });
    expect(created).toMatchObject({
      status: 201,
      json: { version: 1, enabled: true, connectedAppIds: [app.id] },
    });
    const path = `/api/v1/routes/${created.json.id}`;
    expect(created.headers.get('location')).toBe(path);
    expect(created.json.id).toMatch(/^[a-z0-9]{1,64}$/);
    await expect(api.call('GET', path)).resolves.toMatchObject({ status: 200, json: created.json });
    const body = routeBody({ query: 'severity:info OR team:"a b"', enabled: false });
    await expect(api.call('PUT', path, { body })).resolves.toMatchObject({
      status: 200,
      json: { ...body, version: 2, connectedAppIds: [] },
    });
    await expect(api.call('DELETE', path)).resolves.toMatchObject({ status: 204 });
    await expect(api.call('GET', path)).resolves.toMatchObject({
      status: 404,
      json: { code: 'DISPATCH_ROUTE_NOT_FOUND' },
    });
  });

  test.each<[string, string, number]>([
    ['severity:critical AND', 'QUERY_UNEXPECTED_END', 21],
    ['(severity:critical', 'QUERY_UNEXPECTED_END', 18],
    ['a:1 ) b:2', 'QUERY_UNEXPECTED_TOKEN', 4],
    ['a:"open', 'QUERY_UNTERMINATED_QUOTE', 2],
    ['severity:critical a:b:c', 'QUERY_AMBIGUOUS', 21],
  ])('with a query that does not parse are refused with its position: %s', async (query, code, position) => {
    const refusal = { status: 422, json: { code, position, errors: [{ pointer: '/query' }] } };
    await expect(newRoute({ query })).resolves.toMatchObject(refusal);
    const { json } = await newRoute();
    await expect(
      api.call('PUT', `/api/v1/routes/${json.id}`, { body: routeBody({ query }) }),
    ).resolves.toMatchObject(refusal);
  });

  test('with a stored query that would be refused today may change in everything else', async () => {
    const query = 'image:nginx:1.25';
    const { id } = await api.routes.create(unique('stored'), {
      name: unique('route '),
      query,
      enabled: true,
      connectedAppIds: [],
      renotifyIntervalMs: null,
      maxSignalAgeMs: 60_000,
    });
    const put = (parts: object) => api.call('PUT', `/api/v1/routes/${id}`, { body: routeBody(parts) });
    await expect(put({ query, enabled: false })).resolves.toMatchObject({
      status: 200,
      json: { query, enabled: false, version: 2 },
    });
    await expect(put({ query: `${query} ` })).resolves.toMatchObject({
      status: 422,
      json: { code: 'QUERY_AMBIGUOUS', position: 11 },
    });
    const quoted = 'image:"nginx:1.25" AND "image:nginx":*';
    await expect(put({ query: quoted })).resolves.toMatchObject({ status: 200, json: { query: quoted } });
  });

  test('to an app that does not exist are refused', async () => {
    const refusal = { status: 422, json: { code: 'DISPATCH_CONNECTED_APP_NOT_FOUND' } };
    await expect(newRoute({ connectedAppIds: ['nobody'] })).resolves.toMatchObject(refusal);
    const { json } = await newRoute();
    await expect(
      api.call('PUT', `/api/v1/routes/${json.id}`, { body: routeBody({ connectedAppIds: ['nobody'] }) }),
    ).resolves.toMatchObject(refusal);
  });

  test('of a name that is taken are refused', async () => {
    const { json } = await newRoute();
    await expect(newRoute({ name: json.name })).resolves.toMatchObject({
      status: 409,
      json: { code: 'DISPATCH_NAME_TAKEN' },
    });
  });

  test.each<[string, object]>([
    ['a name of spaces', { name: '   ' }],
    ['a name with a NUL', { name: 'a\u0000b' }],
    ['a query with a NUL', { query: 'a:"\u0000"' }],
    ['a name with half of a surrogate pair', { name: 'a\ud800b' }],
    ['an id that is none', { connectedAppIds: ['not-an-id'] }],
    ['something else besides', { colour: 'red' }],
  ])('with %s are refused', async (_, parts) => {
    await expect(newRoute(parts)).resolves.toMatchObject({ status: 422 });
  });

  test('change only for who has read them: ETag and If-Match', async () => {
    const { json, headers } = await newRoute();
    const path = `/api/v1/routes/${json.id}`;
    const etag = headers.get('etag') ?? '';
    const read = await api.call('GET', path);
    expect(read.headers.get('etag')).toBe(etag);
    await expect(api.call('GET', path, { headers: { 'if-none-match': etag } })).resolves.toMatchObject({
      status: 304,
    });
    const put = (match: string) =>
      api.call('PUT', path, { body: routeBody(), headers: { 'if-match': match } });
    const changed = await put(etag);
    expect(changed.status).toBe(200);
    await expect(put(etag)).resolves.toMatchObject({ status: 412 });
    await expect(api.call('DELETE', path, { headers: { 'if-match': etag } })).resolves.toMatchObject({
      status: 412,
    });
    await expect(put(changed.headers.get('etag') ?? '')).resolves.toMatchObject({ status: 200 });
    await expect(put('*')).resolves.toMatchObject({ status: 200 });
  });

  test('are listed page by page, each once', async () => {
    const made = await Promise.all(Array.from({ length: 7 }, () => newRoute()));
    const ids: string[] = [];
    let pages = 0;
    for (let cursor: string | null = ''; cursor !== null; pages++) {
      const page = await api.call('GET', `/api/v1/routes?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`);
      expect(page.status).toBe(200);
      expect(page.json.items.length).toBeLessThanOrEqual(3);
      ids.push(...page.json.items.map(({ id }: { id: string }) => id));
      cursor = page.json.nextCursor;
    }
    expect(pages).toBeGreaterThanOrEqual(3);
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining(made.map(({ json }) => json.id)));
  });

  test.each([
    'limit=0',
    'limit=201',
    'limit=x',
    'cursor=%00',
    'cursor=bm9uc2Vuc2U',
    'cursor=Nw',
    'cursor=Ilx1MDAwMCI',
  ])('are not listed for ?%s', async (query) => {
    const { status } = await api.call('GET', `/api/v1/routes?${query}`);
    expect([400, 422]).toContain(status);
  });

  test.each(['GET', 'PUT', 'DELETE'])('that do not exist are not found: %s', async (method) => {
    await expect(
      api.call(method, '/api/v1/routes/nobody', method === 'PUT' ? { body: routeBody() } : {}),
    ).resolves.toMatchObject({ status: 404 });
  });
});

describe('connected apps', () => {
  test('are created, read, replaced and removed', async () => {
    const created = await api.call('POST', '/api/v1/connected-apps', { body: appBody() });
    expect(created).toMatchObject({
      status: 201,
      json: { provider: 'webhook', settings: { url: 'https://example.com/hook', format: 'heliograph/v1' } },
    });
    const path = `/api/v1/connected-apps/${created.json.id}`;
    await expect(api.call('GET', path)).resolves.toMatchObject({ status: 200, json: created.json });
    const body = appBody({ settings: { url: 'https://example.com/other', format: 'alertmanager/v4' } });
    await expect(api.call('PUT', path, { body })).resolves.toMatchObject({
      status: 200,
      json: { version: 2, settings: body.settings },
    });
    await expect(api.call('DELETE', path)).resolves.toMatchObject({ status: 204 });
    await expect(api.call('GET', path)).resolves.toMatchObject({ status: 404 });
  });

  test('keep their secret through a PUT without one, and take another', async () => {
    const { id, name } = await newApp();
    const { secret: _, ...rest } = appBody({ name });
    const path = `/api/v1/connected-apps/${id}`;
    await expect(api.call('PUT', path, { body: rest })).resolves.toMatchObject({ status: 200 });
    await expect(api.call('PUT', path, { body: { ...rest, secret: OTHER_SECRET } })).resolves.toMatchObject({
      status: 200,
      json: { version: 3 },
    });
  });

  test('never show query values, and keep them through a PUT of what was read', async () => {
    const url = 'https://example.com/hook?team=a&token=hunter2';
    const created = await api.call('POST', '/api/v1/connected-apps', {
      body: appBody({ settings: { url } }),
    });
    const path = `/api/v1/connected-apps/${created.json.id}`;
    const read = await api.call('GET', path);
    const list = await api.call('GET', '/api/v1/connected-apps?limit=100');
    const shown = 'https://example.com/hook?team=REDACTED&token=REDACTED';
    const { name, settings } = read.json;
    expect(settings).toMatchObject({ url: shown });
    const { secret: _, ...rest } = appBody({ name, settings });
    const replaced = await api.call('PUT', path, { body: rest });
    expect(replaced).toMatchObject({ status: 200, json: { version: 2, settings: { url: shown } } });
    expect(JSON.stringify([created.json, read.json, list.json, replaced.json])).not.toContain('hunter2');
    const elsewhere = { url: 'https://evil.example/?token=REDACTED' };
    await expect(api.call('PUT', path, { body: { ...rest, settings: elsewhere } })).resolves.toMatchObject({
      status: 422,
      json: { code: 'NOTIFIER_SETTINGS_INVALID', errors: [{ pointer: '/settings/url' }] },
    });
    const stored = await api.connectedApps.get(created.json.id);
    expect(stored.settings).toMatchObject({ url });
  });

  test.each<[string, object, string, string]>([
    ['a provider that nobody knows', { provider: 'pigeon' }, 'NOTIFIER_PROVIDER_UNKNOWN', '/provider'],
    ['an address that is none', { settings: { url: 'here' } }, 'NOTIFIER_SETTINGS_INVALID', '/settings/url'],
    ['a secret that does not fit', { secret: 'hunter2hunter2' }, 'NOTIFIER_SECRET_INVALID', '/secret'],
  ])('with %s are refused, by creation and by change', async (_, parts, code, pointer) => {
    const refusal = {
      status: 422,
      json: { code, errors: expect.arrayContaining([expect.objectContaining({ pointer })]) },
    };
    await expect(api.call('POST', '/api/v1/connected-apps', { body: appBody(parts) })).resolves.toMatchObject(
      refusal,
    );
    const { id } = await newApp();
    await expect(
      api.call('PUT', `/api/v1/connected-apps/${id}`, { body: appBody(parts) }),
    ).resolves.toMatchObject(refusal);
  });

  test.each<
    [string, (target: { readonly id: string; readonly targetVersion: number }) => Promise<void>, object]
  >([
    [
      'of which nothing is known',
      async () => undefined,
      { status: 'ok', throttledUntil: null, failure: null },
    ],
    [
      'that are throttled',
      (target) => api.health.recordThrottle(target, 1_800_000),
      { status: 'throttled', throttledUntil: expect.stringMatching(/Z$/), failure: null },
    ],
    [
      'that refuse',
      (target) => api.health.recordFailure(target, { code: 'UNAUTHORIZED', status: 401 }),
      { status: 'failing', throttledUntil: null, failure: { code: 'UNAUTHORIZED', httpStatus: 401 } },
    ],
    [
      'whose receiver is gone',
      (target) => api.health.disable(target),
      { status: 'failing', throttledUntil: null, failure: { code: 'GONE', httpStatus: 410 } },
    ],
    [
      'that are throttled and refuse',
      async (target) => {
        await api.health.recordThrottle(target, 1_800_000);
        await api.health.recordFailure(target, { code: 'UNAUTHORIZED', status: 401 });
      },
      { status: 'failing', throttledUntil: expect.stringMatching(/Z$/), failure: { code: 'UNAUTHORIZED' } },
    ],
  ])('%s say so, and are well again with new settings', async (_, learn, health) => {
    const { id } = await newApp();
    const path = `/api/v1/connected-apps/${id}`;
    await learn({ id, targetVersion: 1 });
    const { json } = await api.call('GET', path);
    expect(json.health).toMatchObject(health);
    expect(json).not.toHaveProperty('targetVersion');
    const list = await api.call('GET', '/api/v1/connected-apps?limit=100');
    const items: readonly { readonly id: string }[] = list.json.items;
    expect(items.find((each) => each.id === id)).toMatchObject({ health });
    const body = appBody({ settings: { url: 'https://example.com/elsewhere' } });
    await expect(api.call('PUT', path, { body })).resolves.toMatchObject({
      status: 200,
      json: { enabled: true, health: { status: 'ok', throttledUntil: null, failure: null } },
    });
  });

  test('that a route uses are not removed', async () => {
    const { id } = await newApp();
    const route = await newRoute({ connectedAppIds: [id] });
    await expect(api.call('DELETE', `/api/v1/connected-apps/${id}`)).resolves.toMatchObject({
      status: 409,
      json: { code: 'DISPATCH_CONNECTED_APP_IN_USE' },
    });
    await api.call('DELETE', `/api/v1/routes/${route.json.id}`);
    await expect(api.call('DELETE', `/api/v1/connected-apps/${id}`)).resolves.toMatchObject({ status: 204 });
  });

  test('change only for who has read them', async () => {
    const created = await api.call('POST', '/api/v1/connected-apps', { body: appBody() });
    const path = `/api/v1/connected-apps/${created.json.id}`;
    const headers = { 'if-match': created.headers.get('etag') ?? '' };
    await expect(api.call('PUT', path, { body: appBody(), headers })).resolves.toMatchObject({ status: 200 });
    await expect(api.call('PUT', path, { body: appBody(), headers })).resolves.toMatchObject({ status: 412 });
    await expect(api.call('DELETE', path, { headers })).resolves.toMatchObject({ status: 412 });
  });
});

describe('keys', () => {
  const READER = 'reader-key-reader-key';
  const MONITOR = 'monitor-key-monitor-key';
  test.each<[string, string, string | null, number]>([
    ['GET', '/api/v1/routes', null, 401],
    ['GET', '/api/v1/routes', 'no-such-key-no-such-key', 401],
    ['POST', '/api/v1/issues', null, 401],
    ['POST', '/api/v1/issues', READER, 403],
    ['POST', '/api/v1/routes', READER, 403],
    ['DELETE', '/api/v1/connected-apps/x', READER, 403],
    ['GET', '/api/v1/routes', MONITOR, 403],
    ['GET', '/api/v1/routes', READER, 200],
    ['GET', '/api/v1/connected-apps', READER, 200],
    ['POST', '/api/v1/issues', MONITOR, 200],
  ])('%s %s with %j: %d', async (method, path, key, status) => {
    const answer = await api.call(method, path, {
      key,
      ...(method === 'POST' ? { body: issue({ fingerprint: unique('keys') }) } : {}),
    });
    expect(answer.status).toBe(status);
    if (status === 401) expect(answer.headers.get('www-authenticate')).toContain('Bearer');
  });
});

describe('an unavailable database', () => {
  test('is 503 with Retry-After for what needs it, and everything works again afterwards', async () => {
    await api.postgresProxy.takeDown();
    const away = await api.call('GET', '/api/v1/routes');
    expect(away).toMatchObject({ status: 503, json: { code: 'UNAVAILABLE' } });
    expect(Number(away.headers.get('retry-after'))).toBeGreaterThan(0);
    await expect(newRoute()).resolves.toMatchObject({ status: 503 });
    await expect(api.call('GET', '/healthz')).resolves.toMatchObject({ status: 200 });
    // Issues are still taken, so that no balancer may take the instance out.
    await expect(api.call('GET', '/readyz')).resolves.toMatchObject({
      status: 200,
      json: { status: 'ready', degraded: ['postgres'] },
    });
    await expect(api.call('GET', '/metrics')).resolves.toMatchObject({
      text: expect.stringMatching(/^service_dependency_up\{check="postgres"\} 0$/m),
    });
    await expect(post(issue({ fingerprint: unique('away') }))).resolves.toMatchObject({ status: 200 });
    const restarted = await api.startReplica();
    await expect(restarted.call('GET', '/readyz')).resolves.toMatchObject({
      status: 200,
      json: { degraded: ['postgres'] },
    });
    const fingerprint = unique('restarted');
    await expect(
      restarted.call('POST', '/api/v1/issues', { body: issue({ fingerprint }) }),
    ).resolves.toMatchObject({ status: 200 });
    await expect(rowsWith(fingerprint)).resolves.toHaveLength(1);
    await expect(restarted.call('GET', '/api/v1/routes')).resolves.toMatchObject({ status: 503 });
    await api.postgresProxy.bringUp();
    await eventually(
      'routes are listed',
      async () => (await api.call('GET', '/api/v1/routes')).status === 200,
    );
    await eventually(
      'the restarted one serves all',
      async () => (await restarted.call('GET', '/api/v1/routes')).status === 200,
    );
    await eventually(
      'it is whole',
      async () => (await restarted.call('GET', '/readyz')).json.degraded === undefined,
    );
    await restarted.stop();
  });

  test('takes no issues, and loses none that it took', async () => {
    const fingerprint = unique('away');
    const body = issue({ fingerprint, eventId: unique('e') });
    await expect(post(body)).resolves.toMatchObject({ status: 200 });
    await api.clickhouseProxy.takeDown();
    const away = await post(body);
    expect(away).toMatchObject({ status: 503, json: { code: 'UNAVAILABLE' } });
    expect(Number(away.headers.get('retry-after'))).toBeGreaterThan(0);
    await expect(api.call('GET', '/readyz')).resolves.toMatchObject({ json: { failing: ['clickhouse'] } });
    await expect(api.call('GET', '/api/v1/routes')).resolves.toMatchObject({ status: 200 });
    await api.clickhouseProxy.bringUp();
    await eventually('it is stored', async () => (await post(body)).status === 200);
    await expect(rowsWith(fingerprint)).resolves.toHaveLength(1);
  });
});

describe('what every service has', () => {
  test('health, readiness, metrics and a description of every operation', async () => {
    await expect(api.call('GET', '/healthz', { key: null })).resolves.toMatchObject({
      status: 200,
      json: { status: 'ok', name: 'dispatch-center' },
    });
    await expect(api.call('GET', '/readyz', { key: null })).resolves.toMatchObject({ status: 200 });
    const metrics = await api.call('GET', '/metrics', { key: null });
    expect(metrics.text).toContain('http_server_request_duration_seconds');
    const { json } = await api.call('GET', '/openapi.json', { key: null });
    expect(
      Object.entries<Record<string, { operationId: string }>>(json.paths)
        .flatMap(([, methods]) => Object.values(methods).map(({ operationId }) => operationId))
        .filter((id) => id !== undefined)
        .toSorted(),
    ).toEqual(
      [
        'storeIssues',
        'explainAlert',
        'listResolveDebts',
        ...Object.keys(authOperations),
        ...['list', 'create', 'read', 'replace', 'remove'].flatMap((verb) => {
          const many = verb === 'list' ? 's' : '';
          return [`${verb}Route${many}`, `${verb}ConnectedApp${many}`];
        }),
      ].toSorted(),
    );
  });

  test('the description served is made of those that are committed', async () => {
    const require = createRequire(import.meta.url);
    const own = require('@heliograph/dispatch-api/openapi.json');
    const auth = require('@heliograph/auth-api/openapi.json');
    const { json } = await api.call('GET', '/openapi.json', { key: null });
    expect(json).toEqual({ ...own, paths: { ...own.paths, ...auth.paths } });
  });

  test('a path that is none is 404, a method that is none is 405', async () => {
    await expect(api.call('GET', '/api/v1/nothing')).resolves.toMatchObject({ status: 404 });
    await expect(api.call('PATCH', '/api/v1/routes')).resolves.toMatchObject({ status: 405 });
  });
});

// Last: it looks at everything that was answered and logged above.
test('no secret was in any answer or in any line of the log', () => {
  expect(api.answered.length).toBeGreaterThan(100);
  for (const clear of [SECRET, OTHER_SECRET, 'hunter2hunter2', 'admin-key-admin-key'].flatMap((text) => [
    text,
    text.replace('whsec_', ''),
  ])) {
    expect(api.answered.some((text) => text.includes(clear))).toBe(false);
    expect(api.logs.some((line) => line.includes(clear))).toBe(false);
  }
});
