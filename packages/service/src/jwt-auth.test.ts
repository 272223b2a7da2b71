import { type LoopbackServer, startLoopbackServer } from '@heliograph/simulators';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type CryptoKey, SignJWT, UnsecuredJWT, base64url, exportJWK, generateKeyPair } from 'jose';
import type { Authentication, RefusalReason } from './authenticator.ts';
import { manualClock } from './clock.ts';
import { createEdge } from './edge.ts';
import { type JwtAuthOptions, createJwtAuth } from './jwt-auth.ts';
import type { JwksOptions } from './jwks.ts';
import { createLogger } from './log.ts';

const ISSUER = 'https://id.example.com/';
const AUDIENCE = 'heliograph';

interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: object;
}

const makeKey = async (kid: string, alg: string = 'ES256'): Promise<SigningKey> => {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
};
const first = await makeKey('first');
const second = await makeKey('second');

const clock = manualClock();
let jwks: LoopbackServer;
/** What the issuer publishes, or what it does instead. */
let published: readonly SigningKey[] | 'cut' | 'error' | 'html' | 'huge' | 'hang';
let problems: unknown[];

beforeEach(async () => {
  published = [first];
  problems = [];
  jwks = await startLoopbackServer((response) => {
    if (published === 'cut') response.socket?.destroy();
    else if (published === 'error') response.writeHead(503).end('{"keys":[]}');
    else if (published === 'html') response.writeHead(200).end('<html>');
    else if (published === 'huge') response.writeHead(200).end(`{"keys":[],"x":"${'x'.repeat(300_000)}"}`);
    else if (published !== 'hang')
      response.writeHead(200).end(JSON.stringify({ keys: published.map(({ publicJwk }) => publicJwk) }));
  });
});
afterEach(() => jwks.close());

const makeAuth = (options: Partial<JwtAuthOptions> = {}, jwksOptions: Partial<JwksOptions> = {}) =>
  createJwtAuth({
    issuer: ISSUER,
    audience: AUDIENCE,
    clock,
    ...options,
    jwks: { url: `${jwks.url}/keys`, onProblem: (error) => problems.push(error), ...jwksOptions },
  });

interface TokenParts {
  readonly key?: SigningKey;
  readonly claims?: Record<string, unknown>;
  readonly header?: Record<string, unknown>;
}
const seconds = (offset: number): number => Math.floor(clock.now() / 1000) + offset;
const sign = ({ key = first, claims = {}, header = {} }: TokenParts = {}): Promise<string> =>
  new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: 'ada', exp: seconds(300), ...claims })
    .setProtectedHeader({ alg: key.alg, kid: key.kid, ...header })
    .sign(key.privateKey);
const present = (token: string) => new Headers({ authorization: `Bearer ${token}` });
const forge = (header: object, claims: object = {}): string =>
  [header, { iss: ISSUER, aud: AUDIENCE, sub: 'ada', exp: seconds(300), ...claims }]
    .map((part) => base64url.encode(JSON.stringify(part)))
    .join('.');

describe('a token', () => {
  test('identifies its bearer, with scopes, roles and tenant', async () => {
    const token = await sign({
      claims: { scope: 'a:read a:write', scp: ['b:read'], roles: ['support'], tenant: 'acme' },
    });
    await expect(makeAuth().authenticate(present(token))).resolves.toEqual({
      kind: 'authenticated',
      principal: {
        id: `ada@${ISSUER}#acme`,
        scopes: new Set(['a:read', 'a:write', 'b:read']),
        roles: new Set(['support']),
        tenant: 'acme',
      },
    });
  });

  test.each<[string, RefusalReason, () => Promise<string>]>([
    ['expired', 'TOKEN_EXPIRED', () => sign({ claims: { exp: seconds(-31) } })],
    ['without an expiry', 'TOKEN_CLAIMS_INVALID', () => sign({ claims: { exp: undefined } })],
    ['not valid yet', 'TOKEN_NOT_YET_VALID', () => sign({ claims: { nbf: seconds(31) } })],
    ['of another issuer', 'TOKEN_ISSUER_WRONG', () => sign({ claims: { iss: 'https://id.example.com' } })],
    ['without an issuer', 'TOKEN_ISSUER_WRONG', () => sign({ claims: { iss: undefined } })],
    ['for another audience', 'TOKEN_AUDIENCE_WRONG', () => sign({ claims: { aud: 'billing' } })],
    ['without an audience', 'TOKEN_AUDIENCE_WRONG', () => sign({ claims: { aud: undefined } })],
    ['without a subject', 'TOKEN_CLAIMS_INVALID', () => sign({ claims: { sub: undefined } })],
    [
      'with a subject of several lines',
      'TOKEN_CLAIMS_INVALID',
      () => sign({ claims: { sub: 'ada\nadmin' } }),
    ],
    ['with an expiry that is text', 'TOKEN_CLAIMS_INVALID', () => sign({ claims: { exp: '99999999999' } })],
    [
      'with a tenant that is a list',
      'TOKEN_CLAIMS_INVALID',
      () => sign({ claims: { tenant: ['acme', 'other'] } }),
    ],
    [
      'with roles that are an object',
      'TOKEN_CLAIMS_INVALID',
      () => sign({ claims: { roles: { admin: true } } }),
    ],
    ['without kid', 'TOKEN_SIGNING_KEY_UNKNOWN', () => sign({ header: { kid: undefined } })],
    ['with an empty kid', 'TOKEN_SIGNING_KEY_UNKNOWN', () => sign({ header: { kid: '' } })],
    ['with an unknown kid', 'TOKEN_SIGNING_KEY_UNKNOWN', () => sign({ header: { kid: 'made-up' } })],
    [
      'with the kid of another key',
      'TOKEN_SIGNATURE_INVALID',
      () => sign({ key: second, header: { kid: 'first' } }),
    ],
    [
      'with a critical header that is unknown',
      'TOKEN_MALFORMED',
      // The library signs no such header, so its signature comes from the key itself.
      async () => {
        const signed = forge({ alg: 'ES256', kid: 'first', crit: ['x'], x: 1 });
        const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
        const data = new TextEncoder().encode(signed);
        const signature = await crypto.subtle.sign(algorithm, first.privateKey, data);
        return `${signed}.${base64url.encode(new Uint8Array(signature))}`;
      },
    ],
    [
      'unsigned, with alg none',
      'TOKEN_ALGORITHM_REFUSED',
      () =>
        Promise.resolve(
          new UnsecuredJWT({ iss: ISSUER, aud: AUDIENCE, sub: 'ada', exp: seconds(300) }).encode(),
        ),
    ],
    [
      'unsigned, with alg none and a kid',
      'TOKEN_ALGORITHM_REFUSED',
      () => Promise.resolve(`${forge({ alg: 'none', kid: 'first' })}.`),
    ],
    [
      'with alg NoNe and a signature',
      'TOKEN_ALGORITHM_REFUSED',
      () => Promise.resolve(`${forge({ alg: 'NoNe', kid: 'first' })}.AAAA`),
    ],
    [
      'signed with the public key as a shared secret',
      'TOKEN_ALGORITHM_REFUSED',
      () =>
        new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: 'ada', exp: seconds(300) })
          .setProtectedHeader({ alg: 'HS256', kid: 'first' })
          .sign(new TextEncoder().encode(JSON.stringify(first.publicJwk))),
    ],
    [
      'with a key of its own in the header',
      'TOKEN_SIGNATURE_INVALID',
      () => sign({ key: second, header: { kid: 'first', jwk: second.publicJwk } }),
    ],
    [
      'with another payload',
      'TOKEN_SIGNATURE_INVALID',
      async () => {
        const [head, , signature] = (await sign()).split('.');
        return [head, forge({}, { sub: 'eve' }).split('.')[1], signature].join('.');
      },
    ],
    ['cut short', 'TOKEN_SIGNATURE_INVALID', async () => (await sign()).slice(0, -4)],
    ['of two parts', 'CREDENTIALS_UNKNOWN', async () => (await sign()).split('.').slice(0, 2).join('.')],
    ['longer than the limit', 'CREDENTIALS_MALFORMED', () => sign({ claims: { x: 'x'.repeat(8192) } })],
    ['with a tenant of several lines', 'TOKEN_CLAIMS_INVALID', () => sign({ claims: { tenant: 'a\nb' } })],
    ['with an endless tenant', 'TOKEN_CLAIMS_INVALID', () => sign({ claims: { tenant: 'a'.repeat(256) } })],
    ['with an endless subject', 'TOKEN_CLAIMS_INVALID', () => sign({ claims: { sub: 'a'.repeat(256) } })],
    ['that is no JSON', 'TOKEN_MALFORMED', () => Promise.resolve('AAAA.BBBB.CCCC')],
  ])('%s is refused: %s', async (_, reason, make) => {
    await expect(makeAuth().authenticate(present(await make()))).resolves.toEqual({
      kind: 'refused',
      reason,
    });
    expect(problems).toEqual([]);
  });

  test.each<[string, number]>([
    ['exp', -29],
    ['nbf', 29],
  ])('may be off by the clock tolerance in %s', async (claim, offset) => {
    const token = await sign({ claims: { [claim]: seconds(offset) } });
    await expect(makeAuth().authenticate(present(token))).resolves.toMatchObject({ kind: 'authenticated' });
  });

  test('may be off by another tolerance', async () => {
    const token = await sign({ claims: { exp: seconds(-29) } });
    await expect(makeAuth({ clockToleranceMs: 1000 }).authenticate(present(token))).resolves.toMatchObject({
      kind: 'refused',
    });
  });

  test('of claims that every object has is read by its own only', async () => {
    const token = await sign();
    for (const roles of ['constructor', 'aud.constructor', 'toString'])
      await expect(makeAuth({ claims: { roles } }).authenticate(present(token))).resolves.toMatchObject({
        principal: { roles: new Set() },
      });
  });

  test('may name several audiences, and the API several of its own', async () => {
    const token = await sign({ claims: { aud: ['billing', 'heliograph-eu'] } });
    const auth = makeAuth({ audience: [AUDIENCE, 'heliograph-eu'] });
    await expect(auth.authenticate(present(token))).resolves.toMatchObject({ kind: 'authenticated' });
  });

  test('never grants everything by a claim', async () => {
    const token = await sign({ claims: { scope: '* a:read' } });
    await expect(makeAuth().authenticate(present(token))).resolves.toMatchObject({
      principal: { scopes: new Set(['a:read']) },
    });
  });

  test('may keep scopes, roles and tenant in claims of other names, also inside objects', async () => {
    const token = await sign({
      claims: {
        realm_access: { roles: ['ops'] },
        'https://example.com/org': 'acme',
        permissions: ['a:read'],
      },
    });
    const auth = makeAuth({
      claims: { scopes: ['permissions'], roles: 'realm_access.roles', tenant: 'https://example.com/org' },
    });
    await expect(auth.authenticate(present(token))).resolves.toMatchObject({
      principal: { scopes: new Set(['a:read']), roles: new Set(['ops']), tenant: 'acme' },
    });
  });

  test('has to be of the type that is demanded', async () => {
    const auth = makeAuth({ typ: 'at+jwt' });
    const outcome = async (typ: string) =>
      (await auth.authenticate(present(await sign({ header: { typ } })))).kind;
    await expect(Promise.all(['at+jwt', 'JWT'].map(outcome))).resolves.toEqual(['authenticated', 'refused']);
  });

  test('of RSA and of Ed25519 is verified as well; one of an algorithm that is not listed is refused', async () => {
    const others = [
      await makeKey('rsa', 'RS256'),
      await makeKey('ed', 'EdDSA'),
      await makeKey('es', 'ES384'),
    ];
    published = others;
    const auth = makeAuth();
    const kinds = [];
    for (const key of others) kinds.push((await auth.authenticate(present(await sign({ key })))).kind);
    expect(kinds).toEqual(['authenticated', 'authenticated', 'refused']);
  });

  test('is absent without the header', async () => {
    await expect(makeAuth().authenticate(new Headers())).resolves.toEqual({ kind: 'absent' });
  });
});

test.each(['none', 'HS256', 'HS512', 'A128KW', ''])(
  'a list with the algorithm "%s" is refused at start',
  (name) => {
    expect(() => makeAuth({ algorithms: ['RS256', name] })).toThrow(RangeError);
  },
);

test('a key set is fetched by https, or from loopback', () => {
  expect(() => makeAuth({}, { url: 'http://id.example.com/keys' })).toThrow(/https/);
  expect(() => makeAuth({}, { url: 'file:///etc/passwd' })).toThrow(/https/);
  expect(() => makeAuth({}, { url: 'http://localhost.example.com/keys' })).toThrow(/https/);
});

test('who the bearer is can be decided elsewhere', async () => {
  const outcome: Authentication = { kind: 'unavailable', cause: new Error('no database') };
  const seen: unknown[] = [];
  const auth = makeAuth({
    identify: (identity) => {
      seen.push(identity.subject, identity.expiresAt);
      return Promise.resolve(outcome);
    },
  });
  await expect(auth.authenticate(present(await sign()))).resolves.toBe(outcome);
  expect(seen).toEqual(['ada', seconds(300) * 1000]);
});

describe('the keys of the issuer', () => {
  const outcomeOf = async (auth: ReturnType<typeof makeAuth>, parts: TokenParts = {}) =>
    (await auth.authenticate(present(await sign(parts)))).kind;

  test('are fetched once for many requests at the same time', async () => {
    const auth = makeAuth();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => outcomeOf(auth)));
    expect([new Set(outcomes), jwks.requests.length]).toEqual([new Set(['authenticated']), 1]);
  });

  test('are not fetched for tokens of another issuer, nor for what is no token', async () => {
    const auth = makeAuth();
    await outcomeOf(auth, { claims: { iss: 'https://other.example.com' } });
    await auth.authenticate(present('some-api-key'));
    expect(jwks.requests).toHaveLength(0);
  });

  test('rotate: a token of a new key is verified once the cooldown is over, one of a removed key is refused', async () => {
    const auth = makeAuth();
    await expect(outcomeOf(auth)).resolves.toBe('authenticated');
    clock.advance(5000);
    published = [second];
    await expect(outcomeOf(auth, { key: second })).resolves.toBe('authenticated');
    clock.advance(5000);
    await expect(outcomeOf(auth)).resolves.toBe('refused');
    expect(jwks.requests).toHaveLength(3);
  });

  test('may lack a new key for the cooldown: nobody can tell, so the token is not refused', async () => {
    const auth = makeAuth();
    await outcomeOf(auth);
    published = [first, second];
    clock.advance(4999);
    await expect(outcomeOf(auth, { key: second })).resolves.toBe('unavailable');
    clock.advance(1);
    await expect(outcomeOf(auth, { key: second })).resolves.toBe('authenticated');
    expect(jwks.requests).toHaveLength(2);
  });

  test('are not fetched more often than the cooldown allows, whatever ids are made up', async () => {
    const auth = makeAuth();
    await outcomeOf(auth);
    for (let round = 0; round < 50; round++) {
      clock.advance(1000);
      await outcomeOf(auth, { header: { kid: `made-up-${round}` } });
      await expect(outcomeOf(auth)).resolves.toBe('authenticated');
    }
    expect(jwks.requests).toHaveLength(11);
  });

  test.each(['cut', 'error', 'html', 'huge'] as const)(
    'are away (%s): unavailable, not refused; asked again after the cooldown',
    async (trouble) => {
      published = trouble;
      const auth = makeAuth();
      await expect(outcomeOf(auth)).resolves.toBe('unavailable');
      await expect(outcomeOf(auth)).resolves.toBe('unavailable');
      expect([jwks.requests.length, problems.length]).toEqual([1, 1]);
      published = [first];
      clock.advance(5000);
      await expect(outcomeOf(auth)).resolves.toBe('authenticated');
      expect(problems).toHaveLength(1);
    },
  );

  test('that hang are given up after the timeout', async () => {
    published = 'hang';
    await expect(outcomeOf(makeAuth({}, { timeoutMs: 50 }))).resolves.toBe('unavailable');
  });

  test('stay in use while the issuer is away, but not for ever', async () => {
    const auth = makeAuth({}, { refreshAfterMs: 60_000, maxAgeMs: 600_000 });
    await outcomeOf(auth);
    published = 'cut';
    clock.advance(60_000);
    await expect(outcomeOf(auth)).resolves.toBe('authenticated');
    await expect(outcomeOf(auth, { key: second })).resolves.toBe('unavailable');
    clock.advance(540_000);
    await expect(outcomeOf(auth)).resolves.toBe('unavailable');
  });

  test('are fetched again beside the requests once they are old, so that a removed key is refused', async () => {
    const auth = makeAuth({}, { refreshAfterMs: 60_000 });
    await outcomeOf(auth);
    published = [second];
    clock.advance(60_000);
    await expect(outcomeOf(auth)).resolves.toBe('authenticated');
    while (jwks.requests.length < 2) await new Promise((resolve) => setTimeout(resolve, 2));
    await expect(outcomeOf(auth, { key: second })).resolves.toBe('authenticated');
    clock.advance(5000);
    await expect(outcomeOf(auth)).resolves.toBe('refused');
  });

  test('that are no public keys verify nothing, and the operator hears of it once per cooldown', async () => {
    published = [{ ...first, publicJwk: { ...(await exportJWK(first.privateKey)), kid: 'first' } }];
    const auth = makeAuth();
    for (let n = 0; n < 100; n++)
      await expect(auth.authenticate(present(await sign()))).resolves.toEqual({
        kind: 'refused',
        reason: 'TOKEN_SIGNING_KEY_UNUSABLE',
      });
    expect(problems).toHaveLength(1);
    clock.advance(5000);
    await outcomeOf(auth);
    expect(problems).toHaveLength(2);
  });

  test('that have one id are all tried', async () => {
    const third = await makeKey('third');
    published = [first, { ...second, publicJwk: { ...second.publicJwk, kid: 'first' } }];
    const auth = makeAuth();
    await expect(outcomeOf(auth)).resolves.toBe('authenticated');
    await expect(outcomeOf(auth, { key: second, header: { kid: 'first' } })).resolves.toBe('authenticated');
    for (const [key, claims, reason] of [
      [third, {}, 'TOKEN_SIGNATURE_INVALID'],
      [second, { exp: seconds(-31) }, 'TOKEN_EXPIRED'],
    ] as const) {
      const token = await sign({ key, claims, header: { kid: 'first' } });
      await expect(auth.authenticate(present(token))).resolves.toEqual({ kind: 'refused', reason });
    }
  });

  test('are not replaced by a set without keys, and the operator hears of it', async () => {
    const auth = makeAuth({}, { refreshAfterMs: 60_000 });
    await outcomeOf(auth);
    published = [];
    clock.advance(60_000);
    await outcomeOf(auth);
    while (problems.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    clock.advance(5000);
    await expect(outcomeOf(auth)).resolves.toBe('authenticated');
    expect(String(problems[0])).toContain('no keys');
  });

  test('of another algorithm than the token says verify nothing: refused, without a fetch', async () => {
    const auth = makeAuth();
    await outcomeOf(auth);
    for (let n = 0; n < 20; n++)
      await expect(
        auth.authenticate(present(`${forge({ alg: 'RS256', kid: 'first' })}.AAAA`)),
      ).resolves.toEqual({ kind: 'refused', reason: 'TOKEN_SIGNING_KEY_UNKNOWN' });
    expect(jwks.requests).toHaveLength(1);
  });
});

describe('at the edge', () => {
  const makeEdge = () => {
    const edge = createEdge({
      name: 'svc',
      version: '1.0.0',
      logger: createLogger({ name: 'svc', destination: { write: (line: string) => lines.push(line) } }),
      auth: makeAuth(),
      validateResponses: true,
    });
    edge.route({
      method: 'GET',
      path: '/x',
      summary: 'x',
      scope: 'a:read',
      responses: { 204: { description: 'x' } },
      handler: () => ({ status: 204 }),
    });
    return edge;
  };
  const ask = (headers: Headers) => makeEdge().app.request('/x', { headers });
  let lines: string[];
  beforeEach(() => {
    lines = [];
  });

  test.each<[string, Record<string, unknown>, number, string | null]>([
    ['with the scope', { scope: 'a:read' }, 204, null],
    ['without it', { scope: 'b:read' }, 403, 'SCOPE_MISSING'],
    ['that has expired', { scope: 'a:read', exp: 1 }, 401, 'CREDENTIALS_INVALID'],
  ])('a token %s', async (_, claims, status, code) => {
    const token = await sign({ claims });
    const response = await ask(present(token));
    expect(response.status).toBe(status);
    if (code !== null) await expect(response.json()).resolves.toMatchObject({ code });
    expect(lines.join('')).not.toContain(token.split('.')[2]);
  });

  test('trouble at the issuer is 503 with Retry-After, and the log says why', async () => {
    published = 'error';
    const response = await ask(present(await sign()));
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
    await expect(response.json()).resolves.toMatchObject({ code: 'UNAVAILABLE' });
    expect(lines.join('')).toContain('SERVICE_AUTH_UNAVAILABLE');
  });

  test('tokens of made-up keys fill no log', async () => {
    const edge = makeEdge();
    const valid = await sign({ claims: { scope: 'a:read' } });
    await edge.app.request('/x', { headers: present(valid) });
    for (let n = 0; n < 50; n++) {
      const token = `${forge({ alg: 'ES256', kid: `made-up-${n}` })}.AAAA`;
      expect((await edge.app.request('/x', { headers: present(token) })).status).toBe(503);
    }
    expect(lines.filter((line) => line.includes('SERVICE_AUTH_UNAVAILABLE'))).toHaveLength(1);
  });

  test('the log says why a token is refused, and the answer does not', async () => {
    const response = await ask(present(await sign({ claims: { aud: 'billing' } })));
    const text = await response.text();
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([
      401,
      'Bearer error="invalid_token"',
    ]);
    expect(text).not.toMatch(/audience|AUDIENCE/);
    const entry = lines.map((line) => JSON.parse(line)).find(({ status }) => status === 401);
    expect(entry).toMatchObject({ status: 401, code: 'CREDENTIALS_INVALID', reason: 'TOKEN_AUDIENCE_WRONG' });
  });
});
