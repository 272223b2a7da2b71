import { hkdfSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Payload } from '@temporalio/common';
import { createCodec } from '../codecs/create-codec.ts';
import { METADATA } from '../contract/metadata.ts';
import { createKey } from '../keys/codec-key.ts';
import { createKeyRing, type DomainKeys } from '../keys/key-ring.ts';
import { createMemoryRegistry } from '../testing/memory-registry.ts';
import { createMemoryStore } from '../testing/memory-store.ts';
import { anyPayload, jsonPayload, plain } from '../testing/payloads.ts';
import { type ClaimCheckOptions, createClaimCheck } from './claim-check.ts';

const key = (id: string, byte: number) => createKey(id, Buffer.alloc(32, byte));
const domainKeys = (byte: number, more: Partial<DomainKeys> = {}): DomainKeys => ({
  active: key('k1', byte),
  others: [],
  claims: [key('c1', byte + 100)],
  ...more,
});
const keys = createKeyRing({ dispatch: domainKeys(1), health: domainKeys(2) });
const context = { type: 'workflow', namespace: 'prod', workflowId: 'w1' } as const;
/** Does not get smaller by compression than to two thirds. */
const random = (length: number): Payload =>
  jsonPayload(`canary ${Buffer.from(hkdfSync('sha256', 'seed', '', `${length}`, length)).toString('hex')}`);
const large = random(8000);

function ground(options: Partial<ClaimCheckOptions> = {}, domain = 'dispatch', ring = keys) {
  const store = createMemoryStore();
  const registry = createMemoryRegistry();
  const claims = createClaimCheck({ store, registry, thresholdBytes: 2000, ...options });
  const codec = createCodec({ keys: ring, namespace: 'prod', domain, claims });
  return { store, registry, claims, codec };
}

/** What the SDK does between the codec and the server, and back. */
async function carry({ claims, codec }: ReturnType<typeof ground>, payloads: Payload[]) {
  const sent = await sendOut({ claims, codec }, payloads);
  return { sent, received: await takeIn({ claims, codec }, sent) };
}
type Ends = Pick<ReturnType<typeof ground>, 'claims' | 'codec'>;
async function sendOut({ claims, codec }: Ends, payloads: Payload[], owner = context) {
  const { ExternalStorageRunner } =
    await import('@temporalio/common/lib/internal-non-workflow/external-storage-runner.js');
  return new ExternalStorageRunner(claims.externalStorage).store(await codec.encode(payloads, owner));
}
async function takeIn({ claims, codec }: Ends, sent: Payload[]) {
  const { ExternalStorageRunner } =
    await import('@temporalio/common/lib/internal-non-workflow/external-storage-runner.js');
  return codec.decode(await new ExternalStorageRunner(claims.externalStorage).retrieve(sent), context);
}
const only = <T>(values: Iterable<T>): T => {
  const [value, ...more] = values;
  if (value === undefined || more.length > 0) throw new Error('expected exactly one');
  return value;
};
const referenceTo = (data: object, driverName = 'heliograph-claims'): Payload => ({
  metadata: {
    encoding: Buffer.from('json/protobuf'),
    messageType: Buffer.from('temporal.api.sdk.v1.ExternalStorageReference'),
  },
  data: Buffer.from(JSON.stringify({ driverName, claimData: data })),
});

describe('a large payload', () => {
  test('is stored as ciphertext, and a reference of less than 400 bytes goes to the server', async () => {
    const all = ground();
    const { sent, received } = await carry(all, [large, jsonPayload('small')]);
    expect(received.map(plain)).toEqual([large, jsonPayload('small')].map(plain));
    const [name, bytes] = only(all.store.objects);
    expect(name).toMatch(/^c1-[0-9a-f]{64}\.[0-9a-f]{16}$/);
    expect(Buffer.from(bytes).includes('canary')).toBe(false);
    expect(Buffer.from(bytes).includes('binary/encrypted')).toBe(true);
    const reference = JSON.parse(Buffer.from(sent[0]?.data ?? []).toString());
    expect(reference).toEqual({ driverName: 'heliograph-claims', claimData: { v: '1', name } });
    expect(sent[0]?.data?.length).toBeLessThan(400);
    // The Temporal UI tells by it that a payload is elsewhere, and how large it is.
    expect(Number(sent[0]?.externalPayloads?.[0]?.sizeBytes)).toBeGreaterThan(bytes.length);
    expect(Buffer.from(sent[1]?.metadata?.['encoding'] ?? []).toString()).toBe('binary/encrypted');
  });

  test('is fetched by its reference alone, as the codec server does', async () => {
    const all = ground();
    const [reference] = await sendOut(all, [large]);
    const envelope = await all.claims.fetch(reference ?? {});
    expect((await all.codec.decode([envelope])).map(plain)).toEqual([plain(large)]);
  });

  test('is stored once, whoever sends it, and has another id in another namespace, domain and with another key', async () => {
    const all = ground();
    await sendOut(all, [large, large]);
    await sendOut(all, [large], { ...context, workflowId: 'w2' } as never);
    const name = only(all.store.objects.keys());
    const owners = await all.registry.listOwners('prod', { after: null, limit: 9 }, AbortSignal.timeout(9));
    expect(owners.map(({ workflowId }) => workflowId)).toEqual(['w1', 'w2']);
    const idsOf = async (ring: typeof keys, domain: string, namespace: string) => {
      const store = createMemoryStore();
      const claims = createClaimCheck({ store, registry: createMemoryRegistry(), thresholdBytes: 2000 });
      const codec = createCodec({ keys: ring, namespace, domain, claims });
      await sendOut({ claims, codec }, [large], { ...context, namespace } as never);
      return only(store.objects.keys()).split('.')[0];
    };
    const rotated = createKeyRing({ dispatch: domainKeys(1, { active: key('k2', 9) }) });
    const renamed = createKeyRing({ dispatch: domainKeys(1, { claims: [key('c1', 77)] }) });
    expect(await idsOf(keys, 'dispatch', 'prod')).toBe(name.split('.')[0]);
    expect(await idsOf(rotated, 'dispatch', 'prod')).toBe(name.split('.')[0]);
    const others = await Promise.all([
      idsOf(keys, 'dispatch', 'test'),
      idsOf(keys, 'health', 'prod'),
      idsOf(renamed, 'dispatch', 'prod'),
    ]);
    expect(new Set([name.split('.')[0], ...others]).size).toBe(4);
  });

  test.each([
    ['has no owner that is a workflow', undefined],
    ['belongs to a standalone activity', { type: 'activity', namespace: 'prod', isLocal: false } as const],
    ['goes to another namespace', { ...context, namespace: 'test' }],
  ])('stays inline if it %s', async (_, owner) => {
    const all = ground();
    const [envelope] = await all.codec.encode([large], owner);
    expect(envelope?.metadata?.[METADATA.claim]).toBeUndefined();
    expect(all.store.puts).toBe(0);
    expect((await all.codec.decode([envelope ?? {}])).map(plain)).toEqual([plain(large)]);
  });

  test('stays inline if it is above maxObjectBytes', async () => {
    const all = ground({ maxObjectBytes: 2100 });
    const { sent } = await carry(all, [random(8160)]);
    expect(sent[0]?.metadata?.[METADATA.claim]).toBeUndefined();
    expect(all.store.objects.size).toBe(0);
  });

  test('of a replay is not stored', async () => {
    const all = ground();
    await all.codec.forReplay.encode([large], context);
    expect(all.store.puts).toBe(0);
  });

  test('in a header, which no codec encodes, is never stored: it would be in clear', async () => {
    const all = ground();
    const { ExternalStorageRunner } =
      await import('@temporalio/common/lib/internal-non-workflow/external-storage-runner.js');
    const header = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.alloc(9000, 1) };
    expect(await new ExternalStorageRunner(all.claims.externalStorage).store([header])).toEqual([header]);
  });

  test('any payload, of any size and with any metadata, comes back as it was', async () => {
    const all = ground({ thresholdBytes: 1 });
    await fc.assert(
      fc.asyncProperty(fc.array(anyPayload, { maxLength: 4 }), async (payloads) => {
        expect((await carry(all, payloads)).received.map(plain)).toEqual(payloads.map(plain));
      }),
    );
  });
});

describe('while the store is away', () => {
  test('encode does not fail: payloads stay inline, the reason is told, and later ones do not wait', async () => {
    const problems: string[] = [];
    const all = ground({ uploadTimeoutMs: 100, onProblem: ({ message }) => problems.push(message) });
    all.store.isAway = true;
    const started = performance.now();
    const sent = await sendOut(all, [large, random(8004)]);
    const tries = all.store.puts;
    const later = await sendOut(all, [random(8008)]);
    expect(performance.now() - started).toBeLessThan(2000);
    expect(all.store.puts).toBe(tries);
    for (const payload of [...sent, ...later]) expect(payload.metadata?.[METADATA.claim]).toBeUndefined();
    expect(await takeIn(all, sent)).toHaveLength(2);
    expect(problems).toEqual(['A large payload stays inline. away']);
  });

  test('what the server would not take inline is tried each time', async () => {
    const all = ground({ largeUploadTimeoutMs: 60, maxInlineBytes: 2000 });
    all.store.isAway = true;
    await sendOut(all, [large]);
    const tries = all.store.puts;
    all.store.isAway = false;
    const [reference] = await sendOut(all, [large]);
    expect(all.store.puts).toBe(tries + 1);
    expect(Buffer.from(reference?.metadata?.['encoding'] ?? []).toString()).toBe('json/protobuf');
  });

  test('an object that comes back in time is fetched; otherwise the error is retryable', async () => {
    const all = ground({ fetchTimeoutMs: 300 });
    const [reference] = await sendOut(all, [large]);
    all.store.isAway = true;
    await expect(all.claims.fetch(reference ?? {})).rejects.toMatchObject({
      code: 'CODEC_CLAIMS_UNAVAILABLE',
      retryable: true,
    });
    setTimeout(() => (all.store.isAway = false), 100);
    await expect(all.claims.fetch(reference ?? {})).resolves.toBeDefined();
  });

  test('a store that never answers is left behind at the deadline', async () => {
    const store = createMemoryStore();
    const hang = () => new Promise<never>(() => undefined);
    const all = ground({
      store: { ...store, put: hang, get: hang },
      uploadTimeoutMs: 50,
      fetchTimeoutMs: 50,
    });
    const [envelope] = await sendOut(all, [large]);
    expect(envelope?.metadata?.[METADATA.claim]).toBeUndefined();
    const name = `c1-${'0'.repeat(64)}.${'0'.repeat(16)}`;
    await expect(all.claims.fetch(referenceTo({ v: '1', name }))).rejects.toMatchObject({ retryable: true });
  });
});

describe('a reference that an attacker wrote', () => {
  const name = `c1-${'0'.repeat(64)}.${'0'.repeat(16)}`;
  test.each([
    ['a path', { v: '1', name: '../../etc/passwd' }],
    ['an absolute path', { v: '1', name: '/etc/passwd' }],
    ['a URL', { v: '1', name: 'http://169.254.169.254/latest/meta-data' }],
    ['a bucket', { v: '1', name, bucket: 'theirs' }],
    ['a name with a line break', { v: '1', name: `${name}\n` }],
    ['an upper-case digest', { v: '1', name: name.replace('c1', 'C1') }],
    ['a name in a list', { v: '1', name: [name] }],
    ['another version', { v: '2', name }],
    ['nothing', {}],
  ])('and that says %s is refused, and nothing is asked for', async (_, data) => {
    const asked: string[] = [];
    const store = { ...createMemoryStore(), get: async (asking: string) => (asked.push(asking), null) };
    const all = ground({ store });
    const refusal = { code: 'CODEC_CLAIM_INVALID', retryable: false };
    await expect(all.claims.fetch(referenceTo(data))).rejects.toMatchObject(refusal);
    await expect(takeIn(all, [referenceTo(data)])).rejects.toBeInstanceOf(Error);
    expect(asked).toEqual([]);
  });

  test('is of another driver, or no reference at all', async () => {
    const all = ground();
    const refusal = { code: 'CODEC_CLAIM_INVALID' };
    await expect(all.claims.fetch(referenceTo({ v: '1', name }, 'aws.s3driver'))).rejects.toMatchObject(
      refusal,
    );
    await expect(all.claims.fetch(jsonPayload('no reference'))).rejects.toMatchObject(refusal);
    await expect(all.claims.fetch({})).rejects.toMatchObject(refusal);
    const broken = { ...referenceTo({}), data: Buffer.from('{') };
    await expect(all.claims.fetch(broken)).rejects.toMatchObject(refusal);
  });

  test('names an object that is not there: an error that names it, and that does not pass by waiting', async () => {
    const all = ground();
    await expect(all.claims.fetch(referenceTo({ v: '1', name }))).rejects.toMatchObject({
      code: 'CODEC_CLAIM_MISSING',
      retryable: false,
      message: expect.stringContaining(name),
    });
  });

  test('lies about the size: what counts is the size of the object, before it is read', async () => {
    const all = ground({ maxObjectBytes: 5000 });
    const huge = `c1-${'1'.repeat(64)}.${'1'.repeat(16)}`;
    all.store.objects.set(huge, new Uint8Array(5001));
    const reference = { ...referenceTo({ v: '1', name: huge }), externalPayloads: [] };
    await expect(all.claims.fetch(reference)).rejects.toMatchObject({ code: 'CODEC_TOO_LARGE' });
  });
});

describe('an object that was changed', () => {
  test.each([
    ['truncated', (bytes: Uint8Array) => bytes.subarray(0, -1)],
    [
      'changed in its ciphertext',
      (bytes: Uint8Array) => bytes.with(bytes.length - 5, (bytes.at(-5) ?? 0) ^ 1),
    ],
    ['empty', () => new Uint8Array()],
    ['a plain payload', () => Buffer.from([0x12, 1, 65])],
    ['something else', () => Buffer.from('<html>')],
  ])('and is %s is refused', async (_, change) => {
    const all = ground();
    const sent = await sendOut(all, [large]);
    const [name, bytes] = only(all.store.objects);
    all.store.objects.set(name, change(bytes));
    await expect(takeIn(all, sent)).rejects.toMatchObject({ code: 'CODEC_CORRUPT' });
  });

  test('for another object of the same namespace and domain is refused', async () => {
    const all = ground();
    const sent = await sendOut(all, [large]);
    const name = only(all.store.objects.keys());
    await sendOut(all, [random(8004)]);
    const other = [...all.store.objects].find(([candidate]) => candidate !== name)?.[1];
    all.store.objects.set(name, other ?? new Uint8Array());
    await expect(takeIn(all, sent)).rejects.toMatchObject({ code: 'CODEC_CORRUPT' });
  });

  test('says another name in its own metadata: the name in the reference counts', async () => {
    const all = ground();
    const [reference] = await sendOut(all, [large]);
    const envelope = await all.claims.fetch(reference ?? {});
    expect(Buffer.from(envelope.metadata?.[METADATA.claim] ?? []).toString()).toBe(
      only(all.store.objects.keys()),
    );
  });
});

describe('a reference of elsewhere', () => {
  test('of another namespace is refused by the envelope', async () => {
    const all = ground();
    const sent = await sendOut(all, [large]);
    const codec = createCodec({ keys, namespace: 'test', domain: 'dispatch', claims: all.claims });
    await expect(takeIn({ claims: all.claims, codec }, sent)).rejects.toMatchObject({
      code: 'CODEC_NAMESPACE_FOREIGN',
    });
  });

  test('of another domain is not read without the keys of that domain', async () => {
    const all = ground();
    const sent = await sendOut(all, [large]);
    const ring = createKeyRing({ health: domainKeys(2) });
    const codec = createCodec({ keys: ring, namespace: 'prod', domain: 'health', claims: all.claims });
    await expect(takeIn({ claims: all.claims, codec }, sent)).rejects.toMatchObject({
      code: 'CODEC_KEY_UNKNOWN',
    });
  });

  test('with an id of a key that is not in the ring is an error that names the key', async () => {
    const all = ground();
    const sent = await sendOut(all, [large]);
    const ring = createKeyRing({ dispatch: domainKeys(1, { claims: [key('c2', 8)] }) });
    const codec = createCodec({ keys: ring, namespace: 'prod', domain: 'dispatch', claims: all.claims });
    await expect(takeIn({ claims: all.claims, codec }, sent)).rejects.toMatchObject({
      code: 'CODEC_KEY_UNKNOWN',
      keyId: 'c1',
    });
  });

  test('is read after the key that names payloads was replaced, while the old one is still in the ring', async () => {
    const all = ground();
    const sent = await sendOut(all, [large]);
    const ring = createKeyRing({ dispatch: domainKeys(1, { claims: [key('c2', 8), key('c1', 101)] }) });
    const codec = createCodec({ keys: ring, namespace: 'prod', domain: 'dispatch', claims: all.claims });
    expect((await takeIn({ claims: all.claims, codec }, sent)).map(plain)).toEqual([plain(large)]);
  });
});

test('a claim check needs a key to name payloads with', () => {
  const ring = createKeyRing({ dispatch: domainKeys(1, { claims: [] }) });
  expect(() => ground({}, 'dispatch', ring)).toThrow(expect.objectContaining({ code: 'CODEC_KEY_UNKNOWN' }));
});

test.each([
  'thresholdBytes',
  'maxObjectBytes',
  'maxInlineBytes',
  'uploadTimeoutMs',
  'largeUploadTimeoutMs',
  'fetchTimeoutMs',
])('the option %s has to be a number above 0', (name) => {
  for (const value of [0, -1, 1.5, Number.NaN])
    expect(() => ground({ [name]: value })).toThrow(
      expect.objectContaining({ code: 'CODEC_OPTIONS_INVALID' }),
    );
});
