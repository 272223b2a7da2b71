import { createSecretKey } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { Payload } from '@temporalio/common';
import fc from 'fast-check';
import { METADATA } from '../contract/metadata.ts';
import { createKey } from '../keys/codec-key.ts';
import { createKeyRing } from '../keys/key-ring.ts';
import { anyPayload, jsonPayload, plain } from '../testing/payloads.ts';
import { createEncryptionCodec } from './encryption-codec.ts';

const keyOf = (id: string, byte: number) => createKey(id, Buffer.alloc(32, byte));
const k0 = keyOf('k0', 1);
const k1 = keyOf('k1', 2);
const h0 = keyOf('k0', 3);
const both = createKeyRing({
  dispatch: { active: k0, others: [] },
  health: { active: h0, others: [] },
});
const codecOf = (options: Partial<Parameters<typeof createEncryptionCodec>[0]> = {}) =>
  createEncryptionCodec({ keys: both, namespace: 'prod', domain: 'dispatch', ...options });
const codec = codecOf();
const secret = jsonPayload({ card: 'hunter2' });
const encryptOne = async (by = codec, payload: Payload = secret): Promise<Payload> => {
  const [encrypted] = await by.encode([payload]);
  if (encrypted === undefined) throw new Error('nothing was encoded');
  return encrypted;
};
const withMetadata = (payload: Payload, change: Record<string, string | undefined>): Payload => ({
  ...payload,
  metadata: Object.fromEntries(
    Object.entries({ ...payload.metadata, ...change }).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, typeof value === 'string' ? Buffer.from(value) : value]],
    ),
  ),
});
const textsOf = (payload: Payload) =>
  Object.fromEntries(
    Object.entries(payload.metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString()]),
  );

describe('an encrypted payload', () => {
  test('is what it was once it is decrypted, whatever it was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyPayload, { maxLength: 4 }), async (payloads) => {
        const encrypted = await codec.encode(payloads);
        expect((await codec.decode(encrypted)).map(plain)).toEqual(payloads.map(plain));
      }),
    );
  });

  test('says in clear what is needed to decrypt it, and nothing else', async () => {
    const encrypted = await encryptOne();
    expect(textsOf(encrypted)).toEqual({
      encoding: 'binary/encrypted',
      'encryption-key-id': 'k0',
      'encryption-format': 'heliograph/1',
      'encryption-namespace': 'prod',
      'encryption-domain': 'dispatch',
    });
    expect(Buffer.from(encrypted.data ?? []).includes('hunter2')).toBe(false);
    expect(Buffer.from(encrypted.data ?? []).includes('json/plain')).toBe(false);
  });

  test('never has the same nonce twice', async () => {
    const encrypted = await codec.encode(Array.from({ length: 1000 }, () => secret));
    const nonces = encrypted.map(({ data }) =>
      Buffer.from(data ?? [])
        .subarray(0, 12)
        .toString('hex'),
    );
    expect(new Set(nonces).size).toBe(1000);
  });

  test('does not change when the payloads of a later call are encrypted', async () => {
    const first = await encryptOne();
    const before = plain(first);
    await codec.encode(Array.from({ length: 600 }, () => secret));
    expect(plain(first)).toEqual(before);
  });

  test('is refused when any of its bytes was changed, added or taken away', async () => {
    const { data, metadata = null } = await encryptOne();
    const sealed = Buffer.from(data ?? []);
    const changes = [
      ...Array.from(sealed.keys(), (at) =>
        Buffer.from(sealed.map((byte, each) => (each === at ? byte ^ 1 : byte))),
      ),
      sealed.subarray(0, -1),
      sealed.subarray(1),
      Buffer.concat([sealed, Buffer.of(0)]),
      sealed.subarray(0, 27),
      Buffer.alloc(0),
    ];
    for (const changed of changes)
      await expect(codec.decode([{ metadata, data: changed }])).rejects.toMatchObject({
        code: 'CODEC_CORRUPT',
        keyId: 'k0',
        retryable: false,
      });
  });

  test.each<[string, Record<string, string | undefined>, string]>([
    ['another domain', { [METADATA.domain]: 'health' }, 'CODEC_CORRUPT'],
    ['a domain without keys', { [METADATA.domain]: 'fill' }, 'CODEC_KEY_UNKNOWN'],
    ['another namespace', { [METADATA.namespace]: 'test' }, 'CODEC_NAMESPACE_FOREIGN'],
    ['another key', { [METADATA.keyId]: 'k1' }, 'CODEC_CORRUPT'],
    ['a key that nobody knows', { [METADATA.keyId]: 'k9' }, 'CODEC_KEY_UNKNOWN'],
    ['no key', { [METADATA.keyId]: undefined }, 'CODEC_CORRUPT'],
    ['the format of the samples', { [METADATA.format]: undefined }, 'CODEC_CORRUPT'],
    ['a format of the future', { [METADATA.format]: 'heliograph/2' }, 'CODEC_CORRUPT'],
    ['no namespace', { [METADATA.namespace]: undefined }, 'CODEC_CORRUPT'],
  ])('is refused when it claims %s', async (_, change, code) => {
    const keys = createKeyRing({
      dispatch: { active: k0, others: [k1] },
      health: { active: h0, others: [] },
    });
    const claiming = withMetadata(await encryptOne(), change);
    await expect(codecOf({ keys }).decode([claiming])).rejects.toMatchObject({ code });
  });

  test('of another namespace is refused, although the key is the same', async () => {
    const foreign = await encryptOne(codecOf({ namespace: 'test' }));
    await expect(codec.decode([foreign])).rejects.toMatchObject({ code: 'CODEC_NAMESPACE_FOREIGN' });
    const moved = withMetadata(foreign, { [METADATA.namespace]: 'prod' });
    await expect(codec.decode([moved])).rejects.toMatchObject({ code: 'CODEC_CORRUPT' });
  });

  test('of another domain is decrypted by who has its keys, and by nobody else', async () => {
    const health = await encryptOne(codecOf({ domain: 'health' }));
    expect((await codec.decode([health])).map(plain)).toEqual([plain(secret)]);
    const finance = codecOf({ keys: createKeyRing({ dispatch: { active: k0, others: [] } }) });
    await expect(finance.decode([health])).rejects.toMatchObject({ code: 'CODEC_KEY_UNKNOWN' });
  });

  test('is decrypted after a rotation, and new ones name the new key', async () => {
    const before = await encryptOne();
    const rotated = codecOf({ keys: createKeyRing({ dispatch: { active: k1, others: [k0] } }) });
    expect((await rotated.decode([before])).map(plain)).toEqual([plain(secret)]);
    expect(textsOf(await encryptOne(rotated))['encryption-key-id']).toBe('k1');
    const retired = codecOf({ keys: createKeyRing({ dispatch: { active: k1, others: [] } }) });
    await expect(retired.decode([before])).rejects.toThrow(
      /Key k0 of the domain dispatch is not in the key ring/,
    );
  });
});

describe('a plain payload', () => {
  test('is refused, without being quoted, and passed on where that is allowed', async () => {
    for (const payload of [secret, {}, { metadata: { encoding: Buffer.from('<hunter2>') } }]) {
      const refusal = await codec.decode([payload]).catch((error: unknown) => error);
      expect(refusal).toMatchObject({ code: 'CODEC_PLAIN_REFUSED' });
      expect(String(refusal)).not.toContain('hunter2');
      await expect(codecOf({ mode: 'permissive' }).decode([payload])).resolves.toEqual([payload]);
    }
  });

  test('beside an encrypted one is passed on where that is allowed', async () => {
    const mixed = [secret, await encryptOne(), jsonPayload(2)];
    const decoded = await codecOf({ mode: 'permissive' }).decode(mixed);
    expect(decoded.map(plain)).toEqual([secret, secret, jsonPayload(2)].map(plain));
  });
});

describe('what is no name', () => {
  const noNames = ['x\nFAKE LOG LINE', 'hunter2\u0000', 'hunter2'.repeat(10_000), 'ключ', '\u001b[31m'];

  test.each([
    ['key', METADATA.keyId, {}],
    ['domain', METADATA.domain, {}],
    ['key in the format of the samples', METADATA.keyId, { [METADATA.format]: undefined }],
  ])('of a %s, is refused and not quoted', async (_, name, change) => {
    for (const noName of noNames) {
      const claiming = withMetadata(await encryptOne(), { ...change, [name]: noName });
      const refusal = await codec.decode([claiming]).catch((error: unknown) => error);
      expect(refusal).toMatchObject({ code: 'CODEC_CORRUPT' });
      expect(String(refusal)).not.toContain(noName);
      expect(String(refusal).length).toBeLessThan(200);
    }
  });

  test('is not made one by leaving out a byte order mark', async () => {
    const encrypted = await encryptOne();
    for (const [name, value] of Object.entries(textsOf(encrypted)))
      await expect(
        codec.decode([withMetadata(encrypted, { [name]: `\uFEFF${value}` })]),
      ).rejects.toMatchObject({ name: 'CodecError' });
  });
});

test.each<[string, object]>([
  ['no namespace', { namespace: undefined }],
  ['an empty namespace', { namespace: '' }],
  ['an unknown mode', { mode: 'lenient' }],
  ['keys of another namespace', { keys: { ...both, namespace: 'test' } }],
])('a codec with %s is not created', (_, options) => {
  expect(() => codecOf(options)).toThrow(expect.objectContaining({ code: 'CODEC_OPTIONS_INVALID' }));
});

test('a codec of the namespace that the keys are bound to is created', () => {
  expect(() => codecOf({ keys: { ...both, namespace: 'prod' } })).not.toThrow();
});

test('a codec for a domain without keys is not created', () => {
  expect(() => codecOf({ domain: 'fill' })).toThrow(expect.objectContaining({ code: 'CODEC_KEY_UNKNOWN' }));
});

test('the active key is asked for again at each call', async () => {
  let active = k0;
  const keys = { ...both, activeKey: () => active, findKey: () => active };
  const following = codecOf({ keys });
  expect(textsOf(await encryptOne(following))['encryption-key-id']).toBe('k0');
  active = { ...k1, key: createSecretKey(Buffer.alloc(32, 9)), wrapped: Buffer.from('wrapped') };
  expect(textsOf(await encryptOne(following))).toMatchObject({
    'encryption-key-id': 'k1',
    'encryption-dek': 'wrapped',
  });
});
