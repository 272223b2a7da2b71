import { defineOperation, pageQuery } from '@heliograph/api-contract';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { createBearerAuth } from './bearer-auth.ts';
import { manualClock } from './clock.ts';
import { toPage, decodeCursor } from './cursor.ts';
import { type Edge, type EdgeOptions, createEdge } from './edge.ts';
import { etagOf, requireMatch } from './etag.ts';
import { memoryIdempotencyStore } from './idempotency.ts';
import { sequentialIds } from './ids.ts';
import { type HttpServer, listen } from './listen.ts';
import { createLogger } from './log.ts';
import { problem } from './problem.ts';

const logger = createLogger({ name: 'svc', level: 'silent' });
let server: HttpServer;
const clock = manualClock();

const start = async (options: Partial<EdgeOptions>, declare: (edge: Edge) => void): Promise<void> => {
  await server?.stop(0);
  const edge = createEdge({
    name: 'svc',
    version: '1.0.0',
    logger,
    clock,
    ids: sequentialIds('request'),
    idempotency: memoryIdempotencyStore({ clock }),
    validateResponses: true,
    auth: createBearerAuth([
      { id: 'reader', secret: 'reader-key', scopes: ['things:read'] },
      { id: 'writer', secret: 'writer-key', scopes: ['things:read', 'things:write'] },
      { id: 'root', secret: 'root-key', scopes: ['*'] },
    ]),
    ...options,
  });
  declare(edge);
  server = await listen(edge, { port: 0 });
};
const call = (path: string, init: RequestInit & { readonly key?: string } = {}): Promise<Response> =>
  fetch(server.url + path, {
    ...init,
    headers: {
      ...(init.key === undefined ? {} : { authorization: `Bearer ${init.key}` }),
      ...(init.headers as Record<string, string>),
    },
  });
const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  call(path, {
    method: 'POST',
    key: 'writer-key',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });

afterEach(() => server.stop(0));

describe('pages', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  beforeEach(() =>
    start({}, (target) =>
      target.route({
        method: 'GET',
        path: '/names',
        summary: 'x',
        scope: null,
        query: v.object({ ...pageQuery({ defaultLimit: 2, maxLimit: 3 }), prefix: v.optional(v.string()) }),
        responses: {
          200: {
            description: 'x',
            schema: v.object({ items: v.array(v.string()), nextCursor: v.nullable(v.string()) }),
          },
        },
        handler: ({ query }) => {
          const after =
            query.cursor === undefined
              ? ''
              : decodeCursor(v.object({ after: v.string() }), query.cursor).after;
          const rows = names.filter((name) => name > after).slice(0, query.limit + 1);
          return { status: 200, body: toPage(rows, query.limit, (last) => ({ after: last })) };
        },
      }),
    ),
  );

  test('following the cursor meets every item once', async () => {
    const seen: string[] = [];
    let cursor: string | null = null;
    let pages = 0;
    do {
      const response = await call(`/names${cursor === null ? '' : `?cursor=${cursor}`}`);
      const page = (await response.json()) as { items: string[]; nextCursor: string | null };
      seen.push(...page.items);
      cursor = page.nextCursor;
      pages += 1;
    } while (cursor !== null);
    expect([seen, pages]).toEqual([names, 3]);
  });

  test.each([
    ['limit=0', 'INPUT_INVALID'],
    ['limit=4', 'INPUT_INVALID'],
    ['limit=x', 'INPUT_INVALID'],
    ['limit=1&limit=2', 'INPUT_INVALID'],
    ['cursor=!!', 'CURSOR_INVALID'],
    [`cursor=${Buffer.from('{"after":1}').toString('base64url')}`, 'CURSOR_INVALID'],
    [`cursor=${Buffer.from('{"after"').toString('base64url')}`, 'CURSOR_INVALID'],
  ])('%s is 400', async (query, code) => {
    const response = await call(`/names?${query}`);
    expect(response.status).toBe(400);
    await expect(response.json()).resolves.toMatchObject({ code });
  });
});

describe('idempotency keys', () => {
  const seen = { runs: 0 };
  let fail = false;
  let gate: Promise<void> | undefined;
  beforeEach(async () => {
    seen.runs = 0;
    fail = false;
    gate = undefined;
    await start({}, (target) =>
      target.route({
        method: 'POST',
        path: '/things',
        summary: 'x',
        scope: 'things:read',
        body: v.object({ n: v.number() }),
        idempotency: 'optional',
        responses: { 201: { description: 'x', schema: v.object({ run: v.number() }) } },
        handler: async () => {
          seen.runs += 1;
          await gate;
          if (fail) throw new Error('failed');
          return { status: 201, body: { run: seen.runs }, headers: { location: `/things/${seen.runs}` } };
        },
      }),
    );
  });

  test('the same request runs once and is answered the same', async () => {
    const first = await post('/things', { n: 1 }, { 'idempotency-key': 'k1' });
    const second = await post('/things', { n: 1 }, { 'idempotency-key': 'k1' });
    expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([201, null]);
    expect([
      second.status,
      second.headers.get('idempotency-replayed'),
      second.headers.get('location'),
    ]).toEqual([201, 'true', '/things/1']);
    expect(await second.json()).toEqual(await first.json());
    await post('/things', { n: 1 });
    expect(seen.runs).toBe(2);
  });

  test('another body under the same key is 422, another caller is another key', async () => {
    await post('/things', { n: 1 }, { 'idempotency-key': 'k1' });
    const other = await post('/things', { n: 2 }, { 'idempotency-key': 'k1' });
    expect(other.status).toBe(422);
    await expect(other.json()).resolves.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    const caller = await post(
      '/things',
      { n: 2 },
      { 'idempotency-key': 'k1', authorization: 'Bearer reader-key' },
    );
    expect([caller.status, seen.runs]).toEqual([201, 2]);
  });

  test('a second request while the first runs is 409', async () => {
    let open = (): void => undefined;
    gate = new Promise((resolve) => {
      open = resolve;
    });
    const first = post('/things', { n: 1 }, { 'idempotency-key': 'k1' });
    for (let wait = 0; wait < 1000 && seen.runs === 0; wait++)
      await new Promise((resolve) => setTimeout(resolve, 2));
    const second = await post('/things', { n: 1 }, { 'idempotency-key': 'k1' });
    expect([second.status, second.headers.get('retry-after')]).toEqual([409, '1']);
    open();
    await expect(first).resolves.toMatchObject({ status: 201 });
  });

  test('a failure gives the key back', async () => {
    fail = true;
    await expect(post('/things', { n: 1 }, { 'idempotency-key': 'k1' })).resolves.toMatchObject({
      status: 500,
    });
    fail = false;
    const again = await post('/things', { n: 1 }, { 'idempotency-key': 'k1' });
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, null]);
  });

  test('a key of odd characters is 400', async () => {
    await expect(post('/things', { n: 1 }, { 'idempotency-key': 'a b' })).resolves.toMatchObject({
      status: 400,
    });
  });
});

test('a route that demands an idempotency key refuses a request without one', async () => {
  await start({}, (target) =>
    target.route({
      method: 'POST',
      path: '/x',
      summary: 'x',
      scope: null,
      idempotency: 'required',
      responses: { 204: { description: 'x' } },
      handler: () => ({ status: 204 }),
    }),
  );
  const response = await call('/x', { method: 'POST' });
  expect(response.status).toBe(400);
  await expect(response.json()).resolves.toMatchObject({ code: 'IDEMPOTENCY_KEY_REQUIRED' });
  await expect(call('/x', { method: 'POST', headers: { 'idempotency-key': 'k' } })).resolves.toMatchObject({
    status: 204,
  });
});

describe('ETags', () => {
  let name = 'first';
  beforeEach(async () => {
    name = 'first';
    const schema = v.object({ name: v.string() });
    await start({}, (target) => {
      target.route({
        method: 'GET',
        path: '/thing',
        summary: 'x',
        scope: null,
        etag: true,
        responses: { 200: { description: 'x', schema } },
        handler: () => ({ status: 200, body: { name } }),
      });
      target.route({
        method: 'PUT',
        path: '/thing',
        summary: 'x',
        scope: null,
        body: schema,
        responses: { 200: { description: 'x', schema } },
        handler: ({ headers, body }) => {
          requireMatch(headers.get('if-match'), etagOf({ name }), { required: true });
          name = body.name;
          return { status: 200, body: { name } };
        },
      });
    });
  });

  test('an unchanged resource is 304, a changed one is sent with another tag', async () => {
    const first = await call('/thing');
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[\w-]{32}"$/);
    const unchanged = await call('/thing', { headers: { 'if-none-match': `"other", W/${etag}` } });
    expect([unchanged.status, await unchanged.text(), unchanged.headers.get('etag')]).toEqual([
      304,
      '',
      etag,
    ]);
    await expect(call('/thing', { headers: { 'if-none-match': '*' } })).resolves.toMatchObject({
      status: 304,
    });
    name = 'second';
    const changed = await call('/thing', { headers: { 'if-none-match': etag } });
    expect([changed.status, changed.headers.get('etag') === etag]).toEqual([200, false]);
  });

  test('a change needs the current tag', async () => {
    const put = (headers: Record<string, string>): Promise<Response> =>
      call('/thing', {
        method: 'PUT',
        body: '{"name":"new"}',
        headers: { 'content-type': 'application/json', ...headers },
      });
    const before = name;
    const etag = (await call('/thing')).headers.get('etag') ?? '';
    await expect(put({})).resolves.toMatchObject({ status: 428 });
    await expect(put({ 'if-match': '"stale"' })).resolves.toMatchObject({ status: 412 });
    await expect(put({ 'if-match': `W/${etag}` })).resolves.toMatchObject({ status: 412 });
    for (const malformed of [
      `${etag}x`,
      `x${etag}`,
      etag.slice(1, -1),
      `${etag} ${etag}`,
      '',
      `*, ${etag}`,
    ]) {
      const refused = await put({ 'if-match': malformed });
      expect(refused.status).toBe(400);
      await expect(refused.json()).resolves.toMatchObject({ code: 'IF_MATCH_INVALID' });
    }
    await expect(put({ 'if-match': ` "other" ,${etag}` })).resolves.toMatchObject({ status: 200 });
    await expect(put({ 'if-match': etag })).resolves.toMatchObject({ status: 412 });
    name = before;
    await expect(put({ 'if-match': etag })).resolves.toMatchObject({ status: 200 });
    await expect(put({ 'if-match': etag })).resolves.toMatchObject({ status: 412 });
    await expect(put({ 'if-match': '*' })).resolves.toMatchObject({ status: 200 });
  });
});

describe('an operation that is declared elsewhere', () => {
  const replaceThing = defineOperation({
    method: 'PUT',
    path: '/things/:id',
    summary: 'Replace a thing',
    scope: null,
    params: v.object({ id: v.string() }),
    body: v.strictObject({ sizes: v.array(v.number()) }),
    responses: { 200: { description: 'x', schema: v.object({ accepted: v.number() }) } },
    problems: { 404: ['THING_NOT_FOUND'] },
  });
  const replace = (id: string, body: unknown): Promise<Response> =>
    call(`/things/${id}`, {
      method: 'PUT',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });

  test('answers the problems that it declares and those of every edge; any other is a fault', async () => {
    await start({}, (target) =>
      target.route({
        ...replaceThing,
        handler: ({ params }) => {
          throw problem(404, params.id, 'x');
        },
      }),
    );
    const codes = ['THING_NOT_FOUND', 'NOT_FOUND', 'SOMETHING_ELSE'];
    const found = await Promise.all(
      codes.map(async (code) => (await replace(code, { sizes: [] })).json() as Promise<{ code: string }>),
    );
    expect(found.map(({ code }) => code)).toEqual(['THING_NOT_FOUND', 'NOT_FOUND', 'INTERNAL']);
  });

  test('may let a body through that its handler refuses in part, and describes the whole one', async () => {
    let edge: Edge | undefined;
    await start({ apiVersion: '7' }, (target) => {
      edge = target;
      target.route({
        ...replaceThing,
        accepts: v.object({ sizes: v.array(v.unknown()) }),
        handler: ({ body }) => ({
          status: 200,
          body: { accepted: body.sizes.filter((size) => typeof size === 'number').length },
        }),
      });
    });
    await expect((await replace('a', { sizes: [1, 'x', 3] })).json()).resolves.toEqual({ accepted: 2 });
    expect((await replace('a', { sizes: 'x' })).status).toBe(422);
    expect(edge?.openApi()).toMatchObject({
      info: { version: '7' },
      paths: {
        '/things/{id}': {
          put: {
            requestBody: {
              content: {
                'application/json': { schema: { properties: { sizes: { items: { type: 'number' } } } } },
              },
            },
          },
        },
      },
    });
  });
});
