import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { CodecError, type KeyRing } from '@heliograph/codec/codecs';
import { base64, encrypted, PAGE, startWireGround, valueOf } from '../testing/wire-ground.ts';

let ground: Awaited<ReturnType<typeof startWireGround>>;
beforeAll(async () => {
  ground = await startWireGround();
});
afterAll(() => ground.close());
beforeEach(() => {
  ground.entries.length = 0;
});

const plain = { metadata: { encoding: base64('json/plain') }, data: base64('"clear"') };
const reference = {
  metadata: {
    encoding: base64('json/protobuf'),
    messageType: base64('temporal.api.sdk.v1.ExternalStorageReference'),
  },
  data: base64('{"driverName":"x"}'),
  externalPayloads: [{ sizeBytes: '5062' }],
};

describe('paths and methods', () => {
  test.each(['', '/', '/test', '/codec/v1/test', '/%7Bnamespace%7D'])('any prefix: %j', async (prefix) => {
    const { status, headers, json } = await ground.post(`${prefix}/decode`, 'developer', [plain]);
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json']);
    expect(json).toEqual({ payloads: [plain] });
  });

  test.each([
    ['GET', '/decode', 405],
    ['PUT', '/encode', 405],
    ['DELETE', '/test/download', 405],
    ['POST', '/decrypt', 404],
    ['POST', '/decode/', 404],
    ['POST', '/', 404],
  ])('%s %s is %i, as problem details', async (method, path, status) => {
    const answer = await ground.send(path, {
      method,
      headers: { authorization: 'Bearer developer-key-of-tests' },
    });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'application/problem+json']);
  });

  test('what is answered is not for caches, those of proxies and browsers included', async () => {
    for (const role of ['developer', 'astronaut', 'unknown']) {
      const { headers } = await ground.post('/decode', role, [plain]);
      expect(headers.get('cache-control')).toBe('no-store');
    }
  });
});

describe('proto3 JSON', () => {
  const filled = { metadata: {}, data: '' };
  test.each<[string, unknown, unknown]>([
    ['no payloads', { payloads: [] }, []],
    ['an empty message', {}, []],
    ['null for a list', { payloads: null }, []],
    ['an empty payload', { payloads: [{}] }, [filled]],
    [
      'null for members',
      { payloads: [{ metadata: null, data: null, externalPayloads: null }] },
      [{ ...filled, externalPayloads: null }],
    ],
    ['no data', { payloads: [{ metadata: plain.metadata }] }, [{ metadata: plain.metadata, data: '' }]],
    ['no metadata', { payloads: [{ data: plain.data }] }, [{ metadata: {}, data: plain.data }]],
    ['base64 without padding', { payloads: [{ ...plain, data: 'YQ' }] }, [{ ...plain, data: 'YQ' }]],
    ['base64 for URLs', { payloads: [{ ...plain, data: '_-8=' }] }, [{ ...plain, data: '_-8=' }]],
    [
      'a size as a number',
      { payloads: [{ ...plain, externalPayloads: [{ sizeBytes: 7 }] }] },
      [{ ...plain, externalPayloads: [{ sizeBytes: 7 }] }],
    ],
    [
      'a member of a newer API',
      { payloads: [{ ...plain, newer: { x: 1 } }], more: 1 },
      [{ ...plain, newer: { x: 1 } }],
    ],
    [
      'names that objects have themselves',
      { payloads: [{ metadata: { constructor: '', toString: '' }, data: '' }] },
      [{ metadata: { constructor: '', toString: '' }, data: '' }],
    ],
  ])('%s', async (_, body, payloads) => {
    const answer = await ground.send('/decode', {
      method: 'POST',
      headers: { authorization: 'Bearer developer-key-of-tests', 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect([answer.status, answer.json]).toEqual([200, { payloads }]);
  });

  test.each<[string, string, number, string]>([
    ['no JSON', '{"payloads":', 400, 'BODY_NOT_JSON'],
    ['an array', '[]', 400, 'PAYLOADS_INVALID'],
    ['a lone payload', '{"payloads":{"data":""}}', 400, 'PAYLOADS_INVALID'],
    ['null among payloads', '{"payloads":[null]}', 400, 'PAYLOADS_INVALID'],
    ['data that is no base64', '{"payloads":[{"data":"a b"}]}', 400, 'PAYLOADS_INVALID'],
    ['base64 of an impossible length', '{"payloads":[{"data":"abcde"}]}', 400, 'PAYLOADS_INVALID'],
    [
      'metadata that is clear',
      '{"payloads":[{"metadata":{"encoding":"json/plain!"}}]}',
      400,
      'PAYLOADS_INVALID',
    ],
    ['metadata that is null', '{"payloads":[{"metadata":{"encoding":null}}]}', 400, 'PAYLOADS_INVALID'],
    ['a size below zero', '{"payloads":[{"externalPayloads":[{"sizeBytes":-1}]}]}', 400, 'PAYLOADS_INVALID'],
  ])('%s is refused by name, and audited', async (_, body, status, code) => {
    const answer = await ground.send('/decode', {
      method: 'POST',
      headers: { authorization: 'Bearer developer-key-of-tests', 'content-type': 'application/json' },
      body,
    });
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(ground.entries).toMatchObject([
      { subject: 'developer', outcome: 'refused', reason: code, count: 0 },
    ]);
  });

  test('the place of a fault is named, and nothing of the payload is repeated', async () => {
    const { json, text } = await ground.post('/decode', 'developer', [plain, { data: 'hunter2 !' }]);
    expect(json.errors).toEqual([{ pointer: '/payloads/1/data', detail: 'Expected base64.' }]);
    expect(text).not.toContain('hunter2');
  });
});

describe('decoding', () => {
  test('gives back as many payloads in the same order, with nothing added', async () => {
    const mixed = [
      await encrypted(ground.keys, { domain: 'health' }, 'first'),
      plain,
      await encrypted(ground.keys, {}, { second: true }),
      { metadata: { encoding: base64('binary/null') }, data: '' },
      { metadata: { encoding: base64('binary/zstd') }, data: base64('not ours to open') },
      reference,
    ];
    for (const query of [
      '',
      '?preserveStorageRefs=true',
      '?preserveStorageRefs=tRuE',
      '?preserveStorageRefs=no',
    ]) {
      const { status, json } = await ground.post(`/test/decode${query}`, 'developer', mixed);
      expect(status).toBe(200);
      expect(json.payloads).toEqual([
        { metadata: { encoding: base64('json/plain') }, data: base64('"first"') },
        plain,
        { metadata: { encoding: base64('json/plain') }, data: base64('{"second":true}') },
        ...mixed.slice(3),
      ]);
    }
  });

  test('large payloads come back decompressed', async () => {
    const value = 'x'.repeat(50_000);
    const payload = await encrypted(ground.keys, {}, value);
    expect(payload.data.length).toBeLessThan(1000);
    const { json } = await ground.post('/decode', 'developer', [payload]);
    expect(valueOf(json.payloads[0])).toBe(value);
  });

  test('payloads in the format of the official samples are decrypted by who may read every namespace', async () => {
    const { createCipheriv } = await import('node:crypto');
    const nonce = Buffer.alloc(12, 7);
    const cipher = createCipheriv('aes-256-gcm', Buffer.alloc(32, 9), nonce);
    // A payload in its protobuf form: metadata encoding json/plain, data "hi".
    const clear = Buffer.concat([
      Buffer.from([0x0a, 0x16, 0x0a, 0x08]),
      Buffer.from('encoding'),
      Buffer.from([0x12, 0x0a]),
      Buffer.from('json/plain'),
      Buffer.from([0x12, 0x04]),
      Buffer.from('"hi"'),
    ]);
    const data = Buffer.concat([nonce, cipher.update(clear), cipher.final(), cipher.getAuthTag()]).toString(
      'base64',
    );
    const metadata = { encoding: base64('binary/encrypted'), 'encryption-key-id': base64('sample') };
    const asAda = await ground.post('/decode', 'ada', [{ metadata, data }]);
    expect(valueOf(asAda.json.payloads[0])).toBe('hi');
    expect(ground.entries).toMatchObject([
      { namespace: null, domain: 'fill', keyId: 'sample', outcome: 'allowed' },
    ]);
    for (const [role, code] of [
      ['developer', 'ACCESS_DENIED'],
      ['on-call', 'ELEVATION_REQUIRED'],
    ] as const) {
      const denied = await ground.post('/decode?strict=true', role, [{ metadata, data }]);
      expect([denied.status, denied.json.code]).toEqual([403, code]);
    }
  });
});

describe('the Temporal UI', () => {
  test('gets a readable reason in place of a payload that is not given out, and all the others', async () => {
    const mine = await encrypted(ground.keys, {}, 'mine');
    const notMine = await encrypted(ground.keys, { domain: 'health' }, 'not yours');
    const changed = { ...mine, data: `AAAA${mine.data.slice(4)}` };
    const { status, json, text } = await ground.post('/decode', 'support', [mine, notMine, changed, plain]);
    expect(status).toBe(200);
    const [first, denied, corrupt, last] = json.payloads;
    expect([valueOf(first), last]).toEqual(['mine', plain]);
    // The UI parses the data of every payload as JSON, and shows it.
    expect(valueOf(denied)).toEqual({
      message:
        'Not decoded: You may not decode payloads of the domain health in the namespace test. No rule of the policy allows it.',
      code: 'ACCESS_DENIED',
    });
    expect(valueOf(corrupt)).toMatchObject({ code: 'CODEC_CORRUPT' });
    // No SDK has a converter for it, so a worker never takes the reason for the value.
    for (const payload of [denied, corrupt])
      expect(Buffer.from(payload.metadata.encoding, 'base64').toString()).toBe('json/undecoded');
    expect(text).not.toContain(base64('"not yours"'));
  });

  test('gets its preflight with the headers that it sends, before it is authenticated', async () => {
    const { status, headers } = await ground.send('/test/decode?preserveStorageRefs=true', {
      method: 'OPTIONS',
      headers: {
        origin: PAGE,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,authorization-extras,content-type,x-namespace',
      },
    });
    expect([status, headers.get('access-control-allow-origin'), headers.get('vary')]).toEqual([
      204,
      PAGE,
      expect.stringContaining('Origin'),
    ]);
    expect(headers.get('access-control-allow-methods')).toBe('POST,OPTIONS');
    expect(headers.get('access-control-allow-headers')?.split(',').toSorted()).toEqual([
      'authorization',
      'authorization-extras',
      'content-type',
      'x-namespace',
    ]);
    expect(ground.entries).toEqual([]);
  });

  test('can read why it was refused: its token may have expired while the page was open', async () => {
    const { status, headers, json } = await ground.post('/decode', 'unknown', [plain], { origin: PAGE });
    expect([status, headers.get('access-control-allow-origin'), json.code]).toEqual([
      401,
      PAGE,
      'CREDENTIALS_INVALID',
    ]);
  });
});

describe('a strict request', () => {
  test('is refused as a whole for one payload, which is named, and nothing is given out', async () => {
    const mine = await encrypted(ground.keys, {}, 'mine');
    const notMine = await encrypted(ground.keys, { domain: 'health' }, 'not yours');
    const { status, json, text } = await ground.post('/decode?strict=true', 'support', [mine, notMine, mine]);
    expect([status, json.code, json.index]).toEqual([403, 'ACCESS_DENIED', 1]);
    expect(json.detail).toMatch(/^Payload 1: You may not decode payloads of the domain health/);
    expect(text).not.toContain('mine');
    expect(ground.entries).toMatchObject([
      { domain: 'dispatch', count: 2, outcome: 'refused', reason: 'ACCESS_DENIED' },
      { domain: 'health', count: 1, outcome: 'denied', reason: 'ACCESS_DENIED' },
    ]);
  });

  test('passes plain payloads on like any other', async () => {
    expect((await ground.post('/decode?strict=true', 'support', [plain])).json).toEqual({
      payloads: [plain],
    });
  });

  test('is asked for by true, and by nothing else', async () => {
    expect((await ground.post('/decode?strict=yes', 'support', [plain])).status).toBe(400);
    expect((await ground.post('/decode?strict=false', 'support', [plain])).status).toBe(200);
  });
});

describe('encoding', () => {
  test('encrypts for the namespace of the header, or that of the path where a tool leaves the header empty', async () => {
    const headers = { 'x-codec-domain': 'dispatch' };
    for (const [path, more] of [
      ['/encode', { 'x-namespace': 'test' }],
      ['/test/encode', { 'x-namespace': '' }],
      ['/codec/test/encode?preserveStorageRefs=true', {}],
    ] as const) {
      const { status, json } = await ground.post(path, 'starter', [plain, plain], { ...headers, ...more });
      expect([status, json.payloads.length]).toEqual([200, 2]);
      const back = await ground.post('/decode', 'developer', json.payloads);
      expect(back.json.payloads).toEqual([plain, plain]);
    }
    expect(ground.entries.slice(0, 2)).toMatchObject([
      { action: 'encode', namespace: 'test', domain: 'dispatch', keyId: 'd2', count: 2, outcome: 'allowed' },
      { action: 'decode', subject: 'developer' },
    ]);
  });

  test.each<[string, string, Record<string, string>, number, string]>([
    [
      'another namespace',
      'starter',
      { 'x-namespace': 'production', 'x-codec-domain': 'dispatch' },
      403,
      'ACCESS_DENIED',
    ],
    [
      'another domain',
      'starter',
      { 'x-namespace': 'test', 'x-codec-domain': 'health' },
      403,
      'ACCESS_DENIED',
    ],
    [
      'a role that only decodes',
      'support',
      { 'x-namespace': 'test', 'x-codec-domain': 'dispatch' },
      403,
      'ACCESS_DENIED',
    ],
    ['no namespace', 'starter', { 'x-codec-domain': 'dispatch' }, 400, 'NAMESPACE_REQUIRED'],
    [
      'a namespace that is a path',
      'starter',
      { 'x-namespace': '../etc', 'x-codec-domain': 'dispatch' },
      400,
      'NAMESPACE_REQUIRED',
    ],
    ['no domain', 'starter', { 'x-namespace': 'test' }, 400, 'DOMAIN_REQUIRED'],
    [
      'a domain that is none',
      'starter',
      { 'x-namespace': 'test', 'x-codec-domain': 'Ä' },
      400,
      'DOMAIN_REQUIRED',
    ],
    [
      'a domain without keys',
      'developer',
      { 'x-namespace': 'test', 'x-codec-domain': 'billing' },
      422,
      'CODEC_KEY_UNKNOWN',
    ],
  ])('%s is refused by name, and audited', async (_, role, headers, status, code) => {
    const encodable = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, encodeLatin1(value)]),
    );
    const answer = await ground.post('/encode', role, [plain], encodable);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(ground.entries).toMatchObject([{ action: 'encode', subject: role, reason: code }]);
  });

  test('is refused, and audited, where the keys only decrypt; decoding and readiness do not need more', async () => {
    const keys: KeyRing = {
      ...ground.keys,
      activeKey() {
        throw new CodecError('CODEC_DECODE_ONLY', 'Nothing is encrypted here.');
      },
    };
    const decoding = await startWireGround({ keys });
    try {
      const headers = { 'x-namespace': 'test', 'x-codec-domain': 'dispatch' };
      const refused = await decoding.post('/encode', 'starter', [plain], headers);
      expect([refused.status, refused.json.code]).toEqual([422, 'CODEC_DECODE_ONLY']);
      expect(decoding.entries).toMatchObject([{ action: 'encode', reason: 'CODEC_DECODE_ONLY' }]);
      const decoded = await decoding.post('/decode', 'developer', [
        await encrypted(ground.keys, {}, 'hello'),
      ]);
      expect(decoded.json.payloads.map(valueOf)).toEqual(['hello']);
      expect((await decoding.send('/readyz', {})).status).toBe(200);
    } finally {
      await decoding.close();
    }
  });

  test('keeps references where it is asked to, and else encrypts them like anything', async () => {
    const headers = { 'x-namespace': 'test', 'x-codec-domain': 'dispatch' };
    const kept = await ground.post(
      '/encode?preserveStorageRefs=true',
      'starter',
      [plain, reference, plain],
      headers,
    );
    expect(kept.json.payloads[1]).toEqual(reference);
    const wrapped = await ground.post('/encode', 'starter', [reference], headers);
    expect(wrapped.json.payloads[0].metadata.encoding).toBe(base64('binary/encrypted'));
    const back = await ground.post('/decode', 'developer', [...kept.json.payloads, ...wrapped.json.payloads]);
    expect(back.json.payloads).toEqual([plain, reference, plain, reference]);
  });
});

/** A header of fetch is Latin-1. */
function encodeLatin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}
