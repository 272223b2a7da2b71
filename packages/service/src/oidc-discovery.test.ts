import { type LoopbackServer, startLoopbackServer } from '@heliograph/simulators';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { type ManualClock, manualClock } from './clock.ts';
import { createJwtAuth } from './jwt-auth.ts';
import type { JwksOptions } from './jwks.ts';
import { createDiscovery } from './oidc-discovery.ts';

const makeKey = async (kid: string) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  return { kid, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } };
};
const first = await makeKey('first');
const second = await makeKey('second');

const DOCUMENT = '/realms/ops/.well-known/openid-configuration';
let clock: ManualClock;
let server: LoopbackServer;
let other: LoopbackServer;
let issuer: string;
/** What each path answers; null says nothing at all. */
let answers: Record<string, { status?: number; location?: string; body: string } | null>;
let problems: string[];

const json = (body: unknown) => ({ body: JSON.stringify(body) });
const keysOf = (...keys: (typeof first)[]) => json({ keys: keys.map(({ publicJwk }) => publicJwk) });
const asked = (): readonly string[] => server.requests.map(({ path }) => path);

beforeEach(async () => {
  clock = manualClock(Date.now());
  problems = [];
  server = await startLoopbackServer((response, { path }) => {
    const answer = answers[path];
    if (answer === null) return;
    const { status = 200, location, body } = answer ?? { status: 404, body: '{}' };
    response.writeHead(status, location === undefined ? {} : { location }).end(body);
  });
  other = await startLoopbackServer((response, { path }) => {
    const body = path === '/keys' ? keysOf(first) : json({ issuer, jwks_uri: `${other.url}/keys` });
    response.writeHead(200).end(body.body);
  });
  issuer = `${server.url}/realms/ops`;
  answers = { [DOCUMENT]: json({ issuer, jwks_uri: `${server.url}/keys` }), '/keys': keysOf(first) };
});
afterEach(async () => {
  await server.close();
  await other.close();
});

const makeAuth = (jwks: Partial<JwksOptions> = {}) => {
  const auth = createJwtAuth({
    issuer,
    audience: 'heliograph',
    clock,
    jwks: { onProblem: (error) => problems.push(causesOf(error)), ...jwks },
  });
  return async (key = first) => {
    const token = await new SignJWT({ iss: issuer, aud: 'heliograph', sub: 'ada' })
      .setProtectedHeader({ alg: 'ES256', kid: key.kid })
      .setExpirationTime(Math.floor(clock.now() / 1000) + 300)
      .sign(key.privateKey);
    return (await auth.authenticate(new Headers({ authorization: `Bearer ${token}` }))).kind;
  };
};
const causesOf = (error: unknown): string =>
  error instanceof Error ? `${error.message} ${causesOf(error.cause)}` : '';
const after = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
};

test('the keys are where the document of the issuer says, and both are read once', async () => {
  const present = makeAuth();
  const outcomes = await Promise.all([present(), present(), present()]);
  expect([outcomes, asked()]).toEqual([
    ['authenticated', 'authenticated', 'authenticated'],
    [DOCUMENT, '/keys'],
  ]);
});

test('an address of the keys that is configured needs no document', async () => {
  const present = makeAuth({ url: `${server.url}/keys` });
  await expect(present()).resolves.toBe('authenticated');
  expect(asked()).toEqual(['/keys']);
});

test.each([
  ['with a slash at its end', '/', '/.well-known/openid-configuration'],
  ['with a path and a slash', '/tenant/v2.0/', '/tenant/v2.0/.well-known/openid-configuration'],
  ['without a path', '', '/.well-known/openid-configuration'],
])('the document of an issuer %s is below it', async (_, path, documentPath) => {
  issuer = `${server.url}${path}`;
  answers[documentPath] = json({ issuer, jwks_uri: `${server.url}/keys` });
  await expect(makeAuth()()).resolves.toBe('authenticated');
});

test('a document and keys that begin with a byte order mark are read', async () => {
  for (const path of [DOCUMENT, '/keys']) answers[path] = { body: `\uFEFF${answers[path]?.body ?? ''}` };
  await expect(makeAuth()()).resolves.toBe('authenticated');
});

// FastMCP 4515, FusionAuth 80, Keycloak 16064: one key that is not understood, and no token was accepted.
test.each<[string, unknown]>([
  ['of a type that nobody knows', { kty: 'XYZ', kid: 'x', alg: 'XS512' }],
  ['of a post-quantum type', { kty: 'AKP', kid: 'x', alg: 'ML-DSA-44', pub: 'AAAA' }],
  ['of another curve', { kty: 'OKP', kid: 'x', crv: 'X25519', x: 'AAAA' }],
  ['of the same id, for encryption', { ...first.publicJwk, use: 'enc' }],
  ['without an id', { ...second.publicJwk, kid: undefined }],
  ['that is broken', { kty: 'EC', kid: 'x', crv: 'P-256', x: '!', y: '!' }],
])('a key beside the right one %s does no harm', async (_, key) => {
  answers['/keys'] = json({ keys: [key, first.publicJwk] });
  await expect(makeAuth()()).resolves.toBe('authenticated');
});

test('made-up key ids read the document no more often than the keys', async () => {
  const present = makeAuth();
  await present();
  for (let round = 0; round < 20; round++) {
    clock.advance(5000);
    await expect(present(second)).resolves.toBe('refused');
  }
  expect(asked().filter((path) => path === DOCUMENT)).toHaveLength(1);
  expect(asked()).toHaveLength(22);
});

describe('a document that is not believed', () => {
  test.each<[string, () => void, RegExp]>([
    [
      'of another issuer',
      () => (answers[DOCUMENT] = json({ issuer: 'https://id.example.com', jwks_uri: `${server.url}/keys` })),
      /is of the issuer "https:\/\/id\.example\.com"/,
    ],
    [
      'of the issuer with a slash more',
      () => (answers[DOCUMENT] = json({ issuer: `${issuer}/`, jwks_uri: `${server.url}/keys` })),
      /is of the issuer/,
    ],
    [
      'for every tenant',
      () =>
        (answers[DOCUMENT] = json({ issuer: `${server.url}/{tenantid}`, jwks_uri: `${server.url}/keys` })),
      /\{tenantid\}/,
    ],
    [
      'without the address of keys',
      () => (answers[DOCUMENT] = json({ issuer })),
      /not JSON with issuer and jwks_uri/,
    ],
    [
      'whose address is none',
      () => (answers[DOCUMENT] = json({ issuer, jwks_uri: '/keys' })),
      /not JSON with issuer and jwks_uri/,
    ],
    ['that is a page', () => (answers[DOCUMENT] = { body: '<html>' }), /not JSON/],
    [
      'whose keys come in clear from elsewhere',
      () => (answers[DOCUMENT] = json({ issuer, jwks_uri: 'http://192.0.2.1/keys' })),
      /cannot be fetched by https/,
    ],
    [
      'whose keys are a file',
      () => (answers[DOCUMENT] = json({ issuer, jwks_uri: 'file:///etc/passwd' })),
      /cannot be fetched by https/,
    ],
    ['that is missing', () => delete answers[DOCUMENT], /answered with 404/],
    [
      'that is too large',
      () => (answers[DOCUMENT] = json({ issuer, jwks_uri: `${server.url}/keys`, x: 'x'.repeat(300_000) })),
      /larger than/,
    ],
  ])('%s', async (_, arrange, problem) => {
    arrange();
    const present = makeAuth();
    await expect(present()).resolves.toBe('unavailable');
    await expect(present()).resolves.toBe('unavailable');
    expect(asked()).toEqual([DOCUMENT]);
    expect(problems).toEqual([expect.stringMatching(problem)]);
  });

  test.each([301, 302, 307, 308])('behind a redirect (%i), which is not followed', async (status) => {
    answers[DOCUMENT] = { status, location: `${other.url}${DOCUMENT}`, body: '' };
    await expect(makeAuth()()).resolves.toBe('unavailable');
    expect([other.requests, problems]).toEqual([[], [expect.stringContaining(`answered with ${status}`)]]);
  });

  test('is read again after the cooldown', async () => {
    const good = answers[DOCUMENT] ?? null;
    answers[DOCUMENT] = { body: '<html>' };
    const present = makeAuth();
    await present();
    answers[DOCUMENT] = good;
    await expect(present()).resolves.toBe('unavailable');
    clock.advance(5000);
    await expect(present()).resolves.toBe('authenticated');
  });
});

test('keys behind a redirect are not fetched either', async () => {
  answers['/keys'] = { status: 302, location: `${other.url}/keys`, body: '' };
  await expect(makeAuth()()).resolves.toBe('unavailable');
  expect(other.requests).toEqual([]);
});

test('keys may be at another host, as large issuers have them', async () => {
  answers[DOCUMENT] = json({ issuer, jwks_uri: `${other.url}/keys` });
  await expect(makeAuth()()).resolves.toBe('authenticated');
});

describe('an issuer that changes', () => {
  test('rotates its keys', async () => {
    const present = makeAuth();
    await present();
    answers['/keys'] = keysOf(first, second);
    clock.advance(5000);
    await expect(present(second)).resolves.toBe('authenticated');
    expect(asked()).toEqual([DOCUMENT, '/keys', '/keys']);
  });

  test('moves its keys: found once the former address fails', async () => {
    const present = makeAuth();
    await present();
    answers = { [DOCUMENT]: json({ issuer, jwks_uri: `${server.url}/moved` }), '/moved': keysOf(second) };
    clock.advance(5000);
    await expect(present(second)).resolves.toBe('unavailable');
    clock.advance(5000);
    await expect(present(second)).resolves.toBe('authenticated');
    expect(asked().slice(2)).toEqual(['/keys', DOCUMENT, '/moved']);
  });

  test('moves its keys while the former address answers: found when the document is old', async () => {
    const present = makeAuth({ refreshAfterMs: 60_000 });
    await present();
    answers[DOCUMENT] = json({ issuer, jwks_uri: `${server.url}/moved` });
    answers['/moved'] = keysOf(second);
    clock.advance(60_000);
    await expect(present()).resolves.toBe('authenticated');
    await after(() => asked().includes('/moved'));
    await expect(present(second)).resolves.toBe('authenticated');
  });

  test.each<[string, () => void]>([
    ['is away', () => (answers[DOCUMENT] = { status: 503, body: '' })],
    ['hangs', () => (answers[DOCUMENT] = null)],
    [
      'is of another issuer',
      () => (answers[DOCUMENT] = json({ issuer: 'x', jwks_uri: `${other.url}/keys` })),
    ],
  ])(
    'keeps its keys where they were while its document %s, and the operator hears of it',
    async (_, arrange) => {
      const present = makeAuth({ refreshAfterMs: 60_000, timeoutMs: 200 });
      await present();
      arrange();
      answers['/keys'] = keysOf(first, second);
      clock.advance(60_000);
      await expect(present()).resolves.toBe('authenticated');
      await after(() => asked().length === 4);
      await expect(present(second)).resolves.toBe('authenticated');
      expect([problems.length, other.requests]).toEqual([1, []]);
    },
  );

  test('is believed no longer than an hour without its document', async () => {
    const present = makeAuth();
    await present();
    answers[DOCUMENT] = { status: 503, body: '' };
    clock.advance(3_600_000);
    await expect(present()).resolves.toBe('unavailable');
  });

  test('is away from the start: unavailable, not refused, and given up after the timeout', async () => {
    answers[DOCUMENT] = null;
    await expect(makeAuth({ timeoutMs: 50 })()).resolves.toBe('unavailable');
  });
});

test.each([
  'http://id.example.com',
  'ftp://id.example.com',
  'id.example.com',
  'https://id.example.com/?tenant=a',
  'https://id.example.com/#a',
  'https://id.example.com/?',
])('the issuer %s cannot be discovered', (given) => {
  issuer = given;
  expect(() => makeAuth()).toThrow(RangeError);
});

test('an issuer by https may not have its keys on this machine', async () => {
  const document = { issuer: 'https://id.example.com', jwks_uri: `${server.url}/keys` };
  const discovery = createDiscovery({
    issuer: 'https://id.example.com',
    refreshAfterMs: 1,
    maxAgeMs: 1,
    timeoutMs: 1,
    onProblem: () => undefined,
    clock,
    fetch: async () => new Response(JSON.stringify(document)),
  });
  expect(discovery.url.href).toBe('https://id.example.com/.well-known/openid-configuration');
  await expect(discovery.findKeySet(AbortSignal.timeout(1000))).rejects.toThrow(/cannot be fetched by https/);
});
