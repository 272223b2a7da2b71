import { gzipSync } from 'node:zlib';
import { createKeyRing, type KeyRing } from '@heliograph/codec/codecs';
import { AuditError } from '@heliograph/codec-audit';
import { createJwtAuth } from '@heliograph/service';
import { startLoopbackServer } from '@heliograph/simulators';
import { eventually } from '@heliograph/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { testKey } from '../testing/test-keys.ts';
import { type Answer, base64, encrypted, startWireGround, valueOf } from '../testing/wire-ground.ts';

const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });

type Ground = Awaited<ReturnType<typeof startWireGround>>;
let ground: Ground;
beforeAll(async () => {
  ground = await startWireGround();
});
afterAll(() => ground.close());
beforeEach(() => {
  ground.entries.length = 0;
});

const plain = { metadata: { encoding: base64('json/plain') }, data: base64('"clear"') };
type PayloadOnWire = Awaited<ReturnType<typeof encrypted>>;
const withMetadata = (payload: PayloadOnWire, metadata: Record<string, string>): PayloadOnWire => ({
  ...payload,
  metadata: { ...payload.metadata, ...metadata },
});

describe('ciphertext that is not what it says', () => {
  const foreign = (): KeyRing =>
    createKeyRing({
      dispatch: { active: testKey('k9', 77), others: [] },
      billing: { active: testKey('b1', 8), others: [] },
    });
  const changeData = (payload: PayloadOnWire, change: (bytes: Buffer) => Buffer): PayloadOnWire => ({
    ...payload,
    data: change(Buffer.from(payload.data, 'base64')).toString('base64'),
  });
  const flip = (at: number) => (bytes: Buffer) => {
    const place = at < 0 ? bytes.length + at : at;
    bytes[place] = (bytes[place] ?? 0) ^ 1;
    return bytes;
  };

  test.each<[string, () => Promise<PayloadOnWire>, string, RegExp]>([
    [
      'an unknown key id',
      () => encrypted(foreign(), {}, 'x'),
      'CODEC_KEY_UNKNOWN',
      /Key k9 of the domain dispatch/,
    ],
    [
      'a domain without keys',
      () => encrypted(foreign(), { domain: 'billing' }, 'x'),
      'CODEC_KEY_UNKNOWN',
      /Key b1: this process has no keys of the domain billing/,
    ],
    [
      'the id of another key',
      async () => withMetadata(await encrypted(ground.keys, {}, 'x'), { 'encryption-key-id': base64('d1') }),
      'CODEC_CORRUPT',
      /key d1 cannot be decrypted/,
    ],
    [
      'a changed nonce',
      async () => changeData(await encrypted(ground.keys, {}, 'x'), flip(0)),
      'CODEC_CORRUPT',
      /key d2/,
    ],
    [
      'changed bytes',
      async () => changeData(await encrypted(ground.keys, {}, 'x'), flip(20)),
      'CODEC_CORRUPT',
      /key d2/,
    ],
    [
      'a changed tag',
      async () => changeData(await encrypted(ground.keys, {}, 'x'), flip(-1)),
      'CODEC_CORRUPT',
      /key d2/,
    ],
    [
      'a truncated payload',
      async () => changeData(await encrypted(ground.keys, {}, 'x'), (bytes) => bytes.subarray(0, -3)),
      'CODEC_CORRUPT',
      /key d2/,
    ],
    [
      'no data',
      async () => ({ ...(await encrypted(ground.keys, {}, 'x')), data: '' }),
      'CODEC_CORRUPT',
      /key d2/,
    ],
    [
      'the namespace of another payload',
      async () =>
        withMetadata(await encrypted(ground.keys, { namespace: 'production' }, 'x'), {
          'encryption-namespace': base64('test'),
        }),
      'CODEC_CORRUPT',
      /namespace or domain encrypted it/,
    ],
    [
      'the domain of another payload',
      async () =>
        withMetadata(await encrypted(ground.keys, { domain: 'health' }, 'x'), {
          'encryption-domain': base64('dispatch'),
          'encryption-key-id': base64('d2'),
        }),
      'CODEC_CORRUPT',
      /namespace or domain encrypted it/,
    ],
    [
      'no key id',
      async () => {
        const payload = await encrypted(ground.keys, {}, 'x');
        return { ...payload, metadata: { encoding: base64('binary/encrypted') } };
      },
      'CODEC_CORRUPT',
      /does not say which key/,
    ],
  ])(
    '%s: refused, counted and audited, in both modes, and never clear or empty',
    async (_, make, code, reason) => {
      const payload = await make();
      const before = await counted(ground, code);
      const strict = await ground.post('/decode?strict=true', 'developer', [payload]);
      expect([strict.status, strict.json.code]).toEqual([422, code]);
      expect(strict.json.detail).toMatch(reason);
      const lenient = await ground.post('/decode', 'developer', [payload]);
      expect(lenient.status).toBe(200);
      expect(valueOf(lenient.json.payloads[0])).toMatchObject({
        code,
        message: expect.stringMatching(reason),
      });
      expect(await counted(ground, code)).toBe(before + 2);
      expect(ground.entries).toMatchObject([
        { subject: 'developer', action: 'decode', count: 1, outcome: 'failed', reason: code },
        { subject: 'developer', action: 'decode', count: 1, outcome: 'failed', reason: code },
      ]);
    },
  );

  const ofSamples = (keyId: string) => ({
    metadata: { encoding: base64('binary/encrypted'), 'encryption-key-id': base64(keyId) },
    data: base64('nothing that decrypts'),
  });

  test('our envelope as one of the samples, which authenticates less, is refused', async () => {
    const { data } = await encrypted(ground.keys, { domain: 'fill' }, 'x');
    const strict = await ground.post('/decode?strict=true', 'ada', [{ ...ofSamples('f1'), data }]);
    expect([strict.status, strict.json.code]).toEqual([422, 'CODEC_KEY_UNKNOWN']);
    expect(strict.json.detail).toMatch(
      /Key f1 is in no domain that you may read as a key of the samples' format/,
    );
    expect(ground.entries).toMatchObject([
      { subject: 'ada', namespace: null, domain: null, keyId: 'f1', count: 1, outcome: 'failed' },
    ]);
  });

  test.each(['developer', 'on-call', 'starter'])(
    'without a right to read them, the answer does not tell %s which keys of the samples there are',
    async (role) => {
      for (const path of ['/decode', '/decode?strict=true']) {
        const [known, made] = await Promise.all(
          ['sample', 'made-up'].map((keyId) => ground.post(path, role, [ofSamples(keyId)])),
        );
        const answerOf = ({ status, json }: Answer) => [status, { ...json, requestId: null }];
        if (known === undefined || made === undefined) throw new TypeError('two answers are expected');
        expect(answerOf(known)).toEqual(answerOf(made));
      }
      expect(ground.entries.map(({ outcome }) => outcome)).toEqual(Array(4).fill('denied'));
      // The log tells it to those who read that.
      expect(new Set(ground.entries.map(({ keyId }) => keyId))).toEqual(new Set(['sample', 'made-up']));
    },
  );

  test('with a right to read one domain, the answer does not tell of keys of the samples in others', async () => {
    const keys = createKeyRing({
      fill: { active: testKey('f1', 4), others: [testKey('sample', 9, true)] },
      health: { active: testKey('h1', 3), others: [testKey('secret', 10, true)] },
    });
    const other = await startWireGround({ keys });
    other.state.policy = {
      version: 1,
      elevated: [],
      rules: [{ roles: ['finance'], namespaces: ['*'], domains: ['fill'], actions: ['decode'] }],
    };
    const codeOf = async (keyId: string) => {
      const { json } = await other.post('/decode?strict=true', 'finance', [ofSamples(keyId)]);
      return [json.code, json.detail.replaceAll(keyId, 'KEY')];
    };
    expect(await codeOf('secret')).toEqual(await codeOf('made-up'));
    expect(await codeOf('sample')).toMatchObject(['CODEC_CORRUPT', expect.anything()]);
    await other.close();
  });

  test.each([
    ['no name', ''],
    ['a very long one', 'a'.repeat(100_000)],
    ['a control character', '\u0000'],
    ['a pattern', '*'],
  ])('a namespace that is %s harms no neighbour', async (_, namespace) => {
    const mine = await encrypted(ground.keys, {}, 'mine');
    const odd = withMetadata(mine, { 'encryption-namespace': base64(namespace) });
    const { status, json } = await ground.post('/decode', 'ada', [odd, mine]);
    expect([status, valueOf(json.payloads[1])]).toEqual([200, 'mine']);
    expect(valueOf(json.payloads[0])).toMatchObject({ code: 'CODEC_CORRUPT' });
    const strict = await ground.post('/decode?strict=true', 'ada', [odd]);
    expect([strict.status, strict.json.code]).toEqual([422, 'CODEC_CORRUPT']);
  });

  test('a request without payloads is on the record as well', async () => {
    for (const path of ['/decode', '/encode', '/download'])
      await ground.post(path, 'developer', [], { 'x-namespace': 'test', 'x-codec-domain': 'dispatch' });
    expect(ground.entries).toMatchObject(
      ['decode', 'encode', 'download'].map((action) => ({ action, count: 0, outcome: 'allowed' })),
    );
  });

  test('X-Namespace opens nothing: what the envelope authenticates decides', async () => {
    const production = await encrypted(ground.keys, { namespace: 'production' }, 'secret');
    const headers = { 'x-namespace': 'test' };
    for (const path of ['/decode?strict=true', '/test/decode?strict=true']) {
      const { status, json } = await ground.post(path, 'developer', [production], headers);
      expect([status, json.code]).toEqual([403, 'ACCESS_DENIED']);
    }
    const elevated = await ground.post('/test/decode?strict=true', 'ada', [production], headers);
    expect(valueOf(elevated.json.payloads[0])).toBe('secret');
    expect(ground.entries.at(-1)).toMatchObject({
      subject: 'ada',
      namespace: 'production',
      outcome: 'allowed',
    });
  });
});

describe('roles', () => {
  test.each([
    ['finance', 'fill', 200],
    ['finance', 'health', 403],
    ['support', 'dispatch', 200],
    ['support', 'fill', 403],
    ['developer', 'health', 200],
    ['starter', 'dispatch', 403],
  ])('%s and the domain %s: %i', async (role, domain, status) => {
    const payload = await encrypted(ground.keys, { domain }, 'value');
    expect((await ground.post('/decode?strict=true', role, [payload])).status).toBe(status);
    expect(ground.entries).toMatchObject([
      { subject: role, namespace: 'test', domain, outcome: status === 200 ? 'allowed' : 'denied' },
    ]);
  });

  test.each(['astronaut', 'nobody'])(
    '%s, whose role no rule names, is refused by name in any mode',
    async (role) => {
      for (const path of ['/decode', '/decode?strict=true', '/encode', '/download']) {
        const { status, json } = await ground.post(path, role, [plain]);
        expect([status, json.code]).toEqual([403, 'ROLE_UNKNOWN']);
      }
      expect(ground.entries).toHaveLength(4);
      expect(ground.entries[0]).toMatchObject({ subject: role, outcome: 'denied', reason: 'ROLE_UNKNOWN' });
    },
  );
});

describe('size', () => {
  test('a payload that inflates beyond the limit is refused, and takes its neighbours with it only where asked', async () => {
    const bomb = await encrypted(ground.keys, {}, '0'.repeat(1_000_000));
    expect(bomb.data.length).toBeLessThan(2000);
    const small = await encrypted(ground.keys, {}, 'small');
    const { json } = await ground.post('/decode', 'developer', [bomb, small]);
    expect(valueOf(json.payloads[0])).toMatchObject({ code: 'CODEC_TOO_LARGE' });
    expect(valueOf(json.payloads[1])).toBe('small');
    const strict = await ground.post('/decode?strict=true', 'developer', [small, bomb]);
    expect([strict.status, strict.json.code, strict.json.index]).toEqual([413, 'CODEC_TOO_LARGE', 1]);
    expect(ground.entries.filter(({ reason }) => reason === 'CODEC_TOO_LARGE')).toHaveLength(3);
  });

  test('payloads that are small each, and too large together, are refused from there on', async () => {
    const inflated = await encrypted(ground.keys, {}, '0'.repeat(60_000));
    const { json } = await ground.post(
      '/decode',
      'developer',
      Array.from({ length: 8 }, () => inflated),
    );
    const encodings = json.payloads.map(({ metadata }: PayloadOnWire) =>
      Buffer.from(metadata['encoding'] ?? '', 'base64').toString(),
    );
    expect(encodings.slice(0, 4)).toEqual(Array.from({ length: 4 }, () => 'json/plain'));
    expect(encodings.slice(5)).toEqual(Array.from({ length: 3 }, () => 'json/undecoded'));
  });

  test('10,000 payloads are answered, one more is refused by name, and audited', async () => {
    const many = Array.from({ length: 10_000 }, () => ({ metadata: { encoding: 'eA==' }, data: '' }));
    const { status, json } = await ground.post('/decode', 'developer', many);
    expect([status, json.payloads.length]).toEqual([200, 10_000]);
    const refused = await ground.post('/decode', 'developer', [...many, ...many.slice(0, 1)]);
    expect([refused.status, refused.json.code]).toEqual([413, 'PAYLOADS_TOO_MANY']);
    expect(ground.entries).toMatchObject([
      { count: 10_000, outcome: 'allowed' },
      { outcome: 'refused', reason: 'PAYLOADS_TOO_MANY' },
    ]);
  });

  test.each<[string, (n: number) => string, number, string]>([
    [
      'external payloads that are none',
      (n) => `{"externalPayloads":[${'1,'.repeat(n)}1]}`,
      413,
      'BODY_TOO_LARGE',
    ],
    ['external payloads', (n) => `{"externalPayloads":[${'{},'.repeat(n)}{}]}`, 413, 'BODY_TOO_LARGE'],
    ['entries of metadata', (n) => `{"metadata":{${manyMembers(n)}}}`, 413, 'BODY_TOO_LARGE'],
    ['members', (n) => `{${manyMembers(n)}}`, 413, 'BODY_TOO_LARGE'],
    ['payloads that are none', (n) => '1,'.repeat(n / 100) + '1', 400, 'PAYLOADS_INVALID'],
  ])('a body of %s without number is refused before anything walks it', async (_, payloads, status, code) => {
    const body = gzipSync(`{"payloads":[${payloads(500_000)}]}`);
    const large = await startWireGround({ overrides: { bodyLimitBytes: 16_777_216 } });
    try {
      const authorization = 'Bearer developer-key-of-tests';
      const headers = { authorization, 'content-type': 'application/json', 'content-encoding': 'gzip' };
      const parsed = jest.spyOn(JSON, 'parse');
      const { json, ...answer } = await large.send('/decode', { method: 'POST', headers, body });
      expect([answer.status, json.code]).toEqual([status, code]);
      // What is walked is never large: neither the parser gets a large text, nor does the answer name every fault.
      const longest = Math.max(...parsed.mock.calls.map(([text]) => text.length));
      expect([longest < 20_000, (json.errors ?? []).length <= 1]).toEqual([true, true]);
      expect(large.entries).toMatchObject([{ outcome: 'refused', reason: code }]);
    } finally {
      jest.restoreAllMocks();
      await large.close();
    }
  });

  test.each(['content-length', 'chunked'])(
    'a body of 100 MB (%s) is refused by name, and audited',
    async (how) => {
      const chunk = Buffer.alloc(1_000_000, 0x20);
      const body =
        how === 'chunked'
          ? new ReadableStream<Uint8Array>({
              start(controller) {
                for (let i = 0; i < 100; i++) controller.enqueue(chunk);
                controller.close();
              },
            })
          : Buffer.concat(Array.from({ length: 100 }, () => chunk));
      const answer = await ground
        .send('/decode', {
          method: 'POST',
          headers: { authorization: 'Bearer developer-key-of-tests', 'content-type': 'application/json' },
          body,
          duplex: 'half',
        })
        .catch(() => null);
      // The server answers at once and does not read on; a client that goes on writing may see a cut connection instead.
      if (answer !== null) expect([answer.status, answer.json.code]).toEqual([413, 'BODY_TOO_LARGE']);
      expect(ground.entries).toMatchObject([
        { subject: 'developer', action: 'decode', outcome: 'refused', reason: 'BODY_TOO_LARGE' },
      ]);
      expect((await ground.post('/decode', 'developer', [plain])).status).toBe(200);
    },
  );

  test('a small body that inflates to a large one is refused by name', async () => {
    const bomb = gzipSync(`{"payloads":[${' '.repeat(50_000_000)}]}`);
    const { status, json } = await ground.send('/decode', {
      method: 'POST',
      headers: {
        authorization: 'Bearer developer-key-of-tests',
        'content-type': 'application/json',
        'content-encoding': 'gzip',
      },
      body: bomb,
    });
    expect([status, json.code]).toEqual([413, 'BODY_TOO_LARGE']);
  });

  test.each([
    ['no credentials', {}, 401, 'CREDENTIALS_REQUIRED', null, 'CREDENTIALS_REQUIRED'],
    [
      'an unknown key',
      { authorization: 'Bearer of-nobody' },
      401,
      'CREDENTIALS_INVALID',
      null,
      'CREDENTIALS_UNKNOWN',
    ],
    [
      'another scheme',
      { authorization: 'Basic ZDpk' },
      401,
      'CREDENTIALS_INVALID',
      null,
      'CREDENTIALS_MALFORMED',
    ],
    [
      'another content type',
      { authorization: 'Bearer developer-key-of-tests', 'content-type': 'text/plain' },
      415,
      'BODY_NOT_JSON_TYPE',
      'developer',
      'BODY_NOT_JSON_TYPE',
    ],
  ])('%s: refused by name, and audited', async (_, headers, status, code, subject, reason) => {
    const { json, ...answer } = await ground.send('/decode', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '{}',
    });
    expect([answer.status, json.code]).toEqual([status, code]);
    const outcome = status === 401 ? 'denied' : 'refused';
    expect(ground.entries).toMatchObject([{ subject, action: 'decode', outcome, reason }]);
  });

  test('another method is refused by name, and audited', async () => {
    const { status, json } = await ground.send('/test/decode', { method: 'GET' });
    expect([status, json.code]).toEqual([405, 'METHOD_NOT_ALLOWED']);
    expect(ground.entries).toMatchObject([{ subject: null, action: 'decode', outcome: 'refused' }]);
  });
});

describe('tokens', () => {
  const ISSUER = 'https://id.example.com/';
  let jwks: Awaited<ReturnType<typeof startLoopbackServer>>;
  let tokens: Ground;
  beforeAll(async () => {
    const key = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' };
    jwks = await startLoopbackServer((response) => response.end(JSON.stringify({ keys: [key] })));
    tokens = await startWireGround({
      auth: createJwtAuth({ issuer: ISSUER, audience: 'codec', jwks: { url: `${jwks.url}/keys` } }),
    });
  });
  afterAll(async () => {
    await tokens.close();
    await jwks.close();
  });
  const claims = { iss: ISSUER, aud: 'codec', sub: 'ada', roles: ['support'] };
  const inSeconds = (offset: number): number => Math.floor(Date.now() / 1000) + offset;
  const sign = (more: object = {}): Promise<string> =>
    new SignJWT({ ...claims, exp: inSeconds(300), ...more })
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .sign(privateKey);

  test.each<[string, () => Promise<string>, number, string]>([
    ['a token with a role', () => sign(), 200, ''],
    [
      'alg none',
      async () => new UnsecuredJWT({ ...claims, exp: inSeconds(300) }).encode(),
      401,
      'TOKEN_ALGORITHM_REFUSED',
    ],
    ['an expired token', () => sign({ exp: inSeconds(-120) }), 401, 'TOKEN_EXPIRED'],
    ['a token that is not valid yet', () => sign({ nbf: inSeconds(120) }), 401, 'TOKEN_NOT_YET_VALID'],
    ['a token for another audience', () => sign({ aud: 'temporal-ui' }), 401, 'TOKEN_AUDIENCE_WRONG'],
    [
      'a token of another issuer',
      () => sign({ iss: 'https://evil.example.com/' }),
      401,
      'TOKEN_ISSUER_WRONG',
    ],
    ['another key', async () => 'made-up', 401, 'CREDENTIALS_UNKNOWN'],
    ['a token with an unknown role', () => sign({ roles: ['astronaut'] }), 403, 'ROLE_UNKNOWN'],
    ['a token without roles', () => sign({ roles: undefined }), 403, 'ROLE_UNKNOWN'],
    ['a role that is a path', () => sign({ roles: ['../support'] }), 403, 'ROLE_UNKNOWN'],
    ['roles that are no names', () => sign({ roles: [{ support: true }] }), 401, 'TOKEN_CLAIMS_INVALID'],
  ])('%s', async (_, token, status, reason) => {
    tokens.entries.length = 0;
    const payload = await encrypted(tokens.keys, {}, 'value');
    const answer = await tokens.send('/decode', {
      method: 'POST',
      headers: { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' },
      body: JSON.stringify({ payloads: [payload] }),
    });
    // The caller hears no more than that the credentials are not accepted.
    expect([answer.status, answer.json.code ?? '']).toEqual([
      status,
      status === 401 ? 'CREDENTIALS_INVALID' : reason,
    ]);
    expect(tokens.entries).toMatchObject([
      {
        subject: status === 401 ? null : 'ada@https://id.example.com/',
        outcome: status === 200 ? 'allowed' : 'denied',
        reason: reason === '' ? null : reason,
      },
    ]);
  });
});

describe('a caller who asks too often', () => {
  let limited: Ground;
  beforeEach(async () => {
    limited = await startWireGround({ overrides: { requestsPerMinute: 3 } });
  });
  afterEach(() => limited.close());

  test('waits, others do not, and the log is not filled', async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 6; i++) statuses.push((await limited.post('/decode', 'support', [plain])).status);
    expect(statuses).toEqual([200, 200, 200, 429, 429, 429]);
    const refused = await limited.post('/decode', 'support', [plain]);
    expect(refused.json.code).toBe('RATE_LIMITED');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await limited.post('/decode', 'developer', [plain])).status).toBe(200);
    expect(limited.entries.filter(({ reason }) => reason === 'RATE_LIMITED')).toMatchObject([
      { subject: 'support', outcome: 'refused' },
    ]);
    expect(await limited.metrics()).toMatch(/heliograph_codec_server_rate_limited_total\S* 4/);
  });

  test('is counted by audit entries, of which made-up namespaces cost few', async () => {
    const mixed = await Promise.all(
      Array.from({ length: 20 }, (_, i) => encrypted(limited.keys, { namespace: `made-up${i}` }, i)),
    );
    const statuses: number[] = [];
    for (let i = 0; i < 4; i++) statuses.push((await limited.post('/decode', 'developer', mixed)).status);
    expect(statuses).toEqual([200, 429, 429, 429]);
    expect(limited.entries).toMatchObject([
      { namespace: 'made-up0', count: 1, outcome: 'denied' },
      { namespace: 'made-up1' },
      { namespace: 'made-up2' },
      { namespace: 'made-up3' },
      { namespace: null, keyId: null, count: 16, outcome: 'denied', reason: 'AUDIT_ENTRIES_FOLDED' },
      { outcome: 'refused', reason: 'RATE_LIMITED' },
    ]);
  });

  test('with other methods, and without credentials, does not fill the log either', async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 6; i++) statuses.push((await limited.send('/decode', { method: 'GET' })).status);
    expect(statuses).toEqual([405, 405, 405, 429, 429, 429]);
    expect(limited.entries).toHaveLength(4);
  });

  test('with wrong credentials waits as well, and blocks nobody who has right ones', async () => {
    const codes: string[] = [];
    for (let i = 0; i < 6; i++) codes.push((await limited.post('/decode', `wrong${i}`, [plain])).json.code);
    expect(codes.slice(0, 3)).toEqual(Array.from({ length: 3 }, () => 'CREDENTIALS_INVALID'));
    expect(codes.slice(3)).toEqual(Array.from({ length: 3 }, () => 'RATE_LIMITED'));
    expect(limited.entries).toHaveLength(4);
    expect((await limited.post('/decode', 'developer', [plain])).status).toBe(200);
  });
});

describe('the record', () => {
  test('of callers without credentials is limited, whatever they send', async () => {
    const auth = {
      scheme: 'Bearer',
      authenticate: async () => ({ kind: 'unavailable', cause: null }) as const,
    };
    for (const more of [{}, { auth }]) {
      const limited = await startWireGround({ ...more, overrides: { requestsPerMinute: 3 } });
      try {
        const method = 'auth' in more ? 'POST' : 'PUT';
        for (let i = 0; i < 8; i++) await limited.send('/decode', { method, body: '{}' });
        expect(limited.entries).toHaveLength(4);
      } finally {
        await limited.close();
      }
    }
  });

  test('has an id of its own for every request, whatever its caller sends', async () => {
    const headers = { 'x-request-id': 'request-of-somebody-else' };
    for (const role of ['developer', 'support']) await ground.post('/decode', role, [plain], headers);
    const ids = ground.entries.map(({ requestId }) => requestId);
    expect([new Set(ids).size, ids.includes('request-of-somebody-else')]).toEqual([2, false]);
  });

  test('has an entry for a request without payloads', async () => {
    await ground.post('/decode', 'developer', []);
    await ground.post('/download', 'developer', []);
    expect(ground.entries).toMatchObject([
      { action: 'decode', subject: 'developer', count: 0, outcome: 'allowed' },
      { action: 'download', subject: 'developer', count: 0, outcome: 'allowed' },
    ]);
  });

  test('names what was given out first, and more of it than it keeps is refused', async () => {
    const secret = await encrypted(ground.keys, { domain: 'health' }, 'secret');
    const junk = await Promise.all(
      Array.from({ length: 300 }, (_, index) => encrypted(ground.keys, { namespace: `junk${index}` }, index)),
    );
    await ground.post('/decode', 'developer', [...junk, secret]);
    expect(ground.entries[0]).toMatchObject({
      outcome: 'allowed',
      namespace: 'test',
      domain: 'health',
      keyId: 'h1',
    });
    ground.entries.length = 0;
    const { status, json } = await ground.post('/decode', 'on-call', junk);
    expect([status, json.code]).toEqual([413, 'PAYLOADS_TOO_MANY']);
    expect(ground.entries.filter(({ outcome }) => outcome === 'allowed')).toEqual([]);
  });
});

test('a size that is larger than its format is 400', async () => {
  const payload = { ...plain, externalPayloads: [{ sizeBytes: '9999999999999999999' }] };
  const { status, json } = await ground.post('/decode', 'developer', [payload]);
  expect([status, json.code]).toEqual([400, 'PAYLOADS_INVALID']);
});

test('a made-up wrapped key is not asked for before anybody was authorized', async () => {
  let asked = 0;
  const keys: KeyRing = {
    ...ground.keys,
    findKey: (...parts) => {
      asked++;
      return ground.keys.findKey(...parts);
    },
  };
  const counting = await startWireGround({ keys });
  try {
    const metadata = {
      encoding: base64('binary/encrypted'),
      'encryption-key-id': base64('sample'),
      'encryption-dek': base64('made-up'),
    };
    const { json } = await counting.post('/decode', 'starter', [{ metadata, data: base64('x'.repeat(40)) }]);
    expect([valueOf(json.payloads[0]), asked]).toMatchObject([{ code: expect.any(String) }, 0]);
  } finally {
    await counting.close();
  }
});

describe('without an audit log', () => {
  let silent: Ground;
  beforeEach(async () => {
    const fail = (): Promise<never> => Promise.reject(new AuditError('AUDIT_UNAVAILABLE', 'no hunter2 here'));
    silent = await startWireGround({ audit: { append: fail } });
  });
  afterEach(() => silent.close());

  test('nothing is given out: decoding, encoding and refusals are 503', async () => {
    const payload = await encrypted(silent.keys, {}, 'secret value');
    const headers = { 'x-namespace': 'test', 'x-codec-domain': 'dispatch' };
    for (const [path, role] of [
      ['/decode', 'developer'],
      ['/decode?strict=true', 'developer'],
      ['/decode', 'unknown'],
      ['/encode', 'developer'],
      ['/download', 'developer'],
    ] as const) {
      const answer = await silent.post(path, role, [payload], headers);
      expect([answer.status, answer.json.code]).toEqual([503, 'AUDIT_UNAVAILABLE']);
      expect(answer.text).not.toMatch(/secret|binary\/encrypted|hunter2/);
      expect(answer.headers.get('retry-after')).toBe('5');
    }
    expect(await silent.metrics()).toMatch(/heliograph_codec_server_audit_failures_total\S* 5/);
  });
});

test('no answer and no line of the log has a payload, a stack trace or a key', async () => {
  const leaky = await startWireGround({
    audit: { append: () => Promise.reject(new TypeError('a fault of ours')) },
  });
  try {
    const payload = await encrypted(leaky.keys, {}, 'canary-value');
    const { text } = await leaky.post('/test/decode?strict=true', 'developer', [payload]);
    for (const output of [text, ...leaky.lines]) {
      expect(output).not.toContain('canary-value');
      expect(output).not.toContain(base64('"canary-value"'));
      expect(output).not.toContain('developer-key-of-tests');
      expect(output).not.toContain(Buffer.alloc(32, 2).toString('base64'));
    }
    expect(text).not.toMatch(/^\s+at /m);
  } finally {
    await leaky.close();
  }
});

function manyMembers(count: number): string {
  return Array.from({ length: count }, (_, index) => `"a${index}":""`).join();
}

async function counted({ metrics }: Ground, code: string): Promise<number> {
  const lines = (await metrics()).split('\n');
  const values = lines
    .filter(
      (line) =>
        line.startsWith('heliograph_codec_server_payloads_total') && line.includes(`reason="${code}"`),
    )
    .map((line) => Number(line.split(' ').at(-1)));
  return values.reduce((sum, value) => sum + value, 0);
}

test('what is refused before it is a request is on the record, once a minute beyond the limit', async () => {
  const other = await startWireGround({ overrides: { requestsPerMinute: 3 } });
  const { connect } = await import('node:net');
  const send = (text: string) =>
    new Promise((resolve) => {
      const socket = connect(Number(new URL(other.url).port), '127.0.0.1');
      socket
        .on('close', resolve)
        .on('error', () => undefined)
        .resume();
      socket.write(text);
    });
  const large = `x: ${'x'.repeat(20_000)}\r\n`;
  await send(`POST /decode HTTP/1.1\r\nhost: x\r\n${large}content-length: 0\r\n\r\n`);
  await send('nonsense\r\n\r\n');
  await send('POST /decode HTTP/1.1\r\nhost: x\r\nexpect: tea\r\nconnection: close\r\n\r\n');
  for (let time = 0; time < 4; time++) await send('nonsense\r\n\r\n');
  await eventually('four entries', () => other.entries.length >= 4);
  const nobody = { subject: null, count: 0, outcome: 'refused' };
  expect(other.entries).toMatchObject([
    { ...nobody, action: 'decode', reason: 'HEADERS_TOO_LARGE' },
    { ...nobody, action: 'none', reason: 'REQUEST_MALFORMED' },
    { ...nobody, action: 'none', reason: 'EXPECTATION_UNKNOWN' },
    { ...nobody, action: 'none', reason: 'RATE_LIMITED' },
  ]);
  await other.close();
});
