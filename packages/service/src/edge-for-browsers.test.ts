import { afterEach, describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { createBearerAuth } from './bearer-auth.ts';
import { type EdgeOptions, type Exchange, createEdge } from './edge.ts';
import { type HttpServer, listen } from './listen.ts';
import { createLogger } from './log.ts';
import { problem } from './problem.ts';

let server: HttpServer | undefined;
afterEach(() => server?.stop(0));

const lines: string[] = [];
const PAGE = 'https://temporal.example.com';

/** An edge with `POST /decode` behind any prefix, and `GET /plain`. */
async function start(options: Partial<EdgeOptions> = {}): Promise<void> {
  lines.length = 0;
  const logger = createLogger({ name: 'svc', destination: { write: (line) => void lines.push(line) } });
  const edge = createEdge({
    name: 'svc',
    version: '1.0.0',
    logger,
    auth: createBearerAuth([{ id: 'reader', secret: 'reader-key', scopes: ['read'] }]),
    ...options,
  });
  edge.route({
    method: 'POST',
    path: '/decode',
    acceptsPrefix: true,
    summary: 'x',
    scope: 'read',
    body: v.unknown(),
    responses: { 200: { description: 'x', schema: v.string() } },
    handler: () => ({ status: 200, body: 'decoded' }),
  });
  edge.route({
    method: 'GET',
    path: '/plain',
    summary: 'x',
    scope: null,
    responses: { 200: { description: 'x', schema: v.string() } },
    handler: () => ({ status: 200, body: 'plain' }),
  });
  server = await listen(edge, { port: 0 });
}
const call = (method: string, path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${server?.url}${path}`, {
    method,
    headers: { authorization: 'Bearer reader-key', 'content-type': 'application/json', ...headers },
    ...(method === 'POST' ? { body: '{}' } : {}),
  });
const codeOf = async (response: Response): Promise<unknown> =>
  (JSON.parse(await response.text()) as { code?: unknown }).code;

describe('a route that accepts a prefix', () => {
  test.each(['/decode', '/default/decode', '/a/b/c/decode', '//decode', '/decode?x=1', '/decode/decode'])(
    'serves %s',
    async (path) => {
      await start();
      expect((await call('POST', path)).status).toBe(200);
    },
  );

  test.each(['/decode/', '/xdecode', '/decode/x', '/a/plain', '/'])('does not serve %s', async (path) => {
    await start();
    const response = await call('POST', path);
    expect([response.status, await codeOf(response)]).toEqual([404, 'NOT_FOUND']);
  });

  test('answers another method with 405 and what it allows', async () => {
    await start();
    const response = await call('GET', '/default/decode');
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  });

  test('shows the whole path in the log and in problems, and the template in metrics', async () => {
    await start();
    const response = await call('POST', '/default/decode', { authorization: 'Bearer wrong' });
    expect(await response.json()).toMatchObject({ instance: '/default/decode' });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ route: '/decode', path: '/default/decode' });
  });

  test('has to have a path of one segment', () => {
    const edge = createEdge({ name: 'svc', version: '1', logger: createLogger({ name: 'svc' }) });
    const declare = (path: string) => (): void =>
      edge.route({
        method: 'POST',
        path,
        acceptsPrefix: true,
        summary: 'x',
        scope: null,
        responses: {},
        handler: () => new Response(),
      });
    for (const path of ['/a/b', '/:id', 'decode', '/'])
      expect(declare(path)).toThrow(expect.objectContaining({ code: 'SERVICE_ROUTE_INVALID' }));
  });
});

describe('pages of other origins', () => {
  const cors = { origins: [PAGE], headers: ['content-type', 'authorization'] };
  const preflight = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    call('OPTIONS', path, { origin: PAGE, 'access-control-request-method': 'POST', ...headers });

  test('get their preflight answered before anyone is authenticated', async () => {
    await start({ cors });
    const { status, headers } = await preflight('/default/decode', { authorization: '' });
    expect([status, headers.get('access-control-allow-origin')]).toEqual([204, PAGE]);
    expect(headers.get('access-control-allow-methods')).toBe('POST,OPTIONS');
    expect(headers.get('access-control-allow-headers')).toBe('content-type,authorization');
    expect(headers.get('access-control-max-age')).toBe('600');
    expect(headers.get('vary')).toContain('Origin');
    expect(headers.has('access-control-allow-credentials')).toBe(false);
  });

  test('get the reason for a refusal as well: without the headers the browser would hide it', async () => {
    await start({ cors });
    for (const [response, status] of [
      [await call('POST', '/decode', { origin: PAGE, authorization: 'Bearer wrong' }), 401],
      [await call('POST', '/decode', { origin: PAGE, 'content-type': 'text/plain' }), 415],
      [await call('GET', '/decode', { origin: PAGE }), 405],
      [await call('POST', '/decode', { origin: PAGE }), 200],
    ] as const)
      expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([status, PAGE]);
  });

  test('are told apart by caches, whether they are known or not', async () => {
    await start({ cors });
    for (const origin of [PAGE, 'https://other.example.com'])
      expect((await call('POST', '/decode', { origin })).headers.get('vary')).toContain('Origin');
  });

  test.each(['https://other.example.com', `${PAGE}.evil.com`, 'null', '*', 'HTTPS://TEMPORAL.EXAMPLE.COM'])(
    'get no leave as %s',
    async (origin) => {
      await start({ cors: { ...cors, allowCredentials: true } });
      const { headers } = await preflight('/decode', { origin });
      expect(headers.has('access-control-allow-origin')).toBe(false);
    },
  );

  test('may send credentials only if that is configured, and never to any origin at once', async () => {
    await start({ cors: { ...cors, allowCredentials: true } });
    const { headers } = await call('POST', '/decode', { origin: PAGE });
    expect(headers.get('access-control-allow-origin')).toBe(PAGE);
    expect(headers.get('access-control-allow-credentials')).toBe('true');
  });

  test('may reach into a private network', async () => {
    await start({ cors });
    const asked = { 'access-control-request-private-network': 'true' };
    const allowed = await preflight('/decode', asked);
    expect(allowed.headers.get('access-control-allow-private-network')).toBe('true');
    const foreign = await preflight('/decode', { ...asked, origin: 'https://other.example.com' });
    expect(foreign.headers.has('access-control-allow-private-network')).toBe(false);
  });

  test('get 404 for a path that does not exist, and 405 from an edge without a policy', async () => {
    await start({ cors });
    expect((await preflight('/nothing')).status).toBe(404);
    await server?.stop(0);
    await start();
    expect((await preflight('/decode')).status).toBe(405);
  });
});

describe('admission', () => {
  test('refuses a known caller before its body is read', async () => {
    await start({
      admit: ({ id }) => {
        throw problem(429, 'RATE_LIMITED', `Too many requests of ${id}.`, { retryAfterSeconds: 2 });
      },
    });
    const response = await call('POST', '/decode', { 'content-type': 'text/plain' });
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '2']);
  });
});

describe('before an answer', () => {
  const record = (seen: Exchange[]) => (exchange: Exchange) => {
    seen.push(exchange);
    return Promise.resolve();
  };

  test('the exchange is shown, that of a refused request as well', async () => {
    const seen: Exchange[] = [];
    await start({ beforeAnswer: record(seen) });
    await call('POST', '/default/decode');
    await call('POST', '/decode', { authorization: 'Bearer wrong' });
    await call('GET', '/decode');
    await call('POST', '/nothing');
    expect(
      seen.map(({ path, principal, problem: found }) => [path, principal?.id, found?.code, found?.reason]),
    ).toEqual([
      ['/decode', 'reader', undefined, undefined],
      ['/decode', undefined, 'CREDENTIALS_INVALID', 'CREDENTIALS_UNKNOWN'],
      ['/decode', undefined, 'METHOD_NOT_ALLOWED', undefined],
      ['/nothing', undefined, 'NOT_FOUND', undefined],
    ]);
  });

  test('what it throws is answered instead, with nothing of the first answer but the headers for browsers', async () => {
    await start({
      cors: { origins: [PAGE], headers: [] },
      isUnavailable: () => true,
      beforeAnswer: () => Promise.reject(new Error('no audit')),
    });
    const response = await call('POST', '/decode', { origin: PAGE });
    const text = await response.text();
    expect([response.status, response.headers.get('content-type')]).toEqual([
      503,
      'application/problem+json',
    ]);
    expect(response.headers.get('access-control-allow-origin')).toBe(PAGE);
    expect(response.headers.get('vary')).toContain('Origin');
    expect(text).not.toContain('decoded');
    const refused = await call('POST', '/decode', { authorization: 'Bearer wrong' });
    expect([refused.status, refused.headers.has('www-authenticate')]).toEqual([503, false]);
  });
});
