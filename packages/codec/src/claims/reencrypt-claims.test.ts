import { hkdfSync } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { createCodec } from '../codecs/create-codec.ts';
import { readPayload } from '../codecs/payload-bytes.ts';
import { readEnvelope } from '../codecs/envelope.ts';
import { createKey } from '../keys/codec-key.ts';
import { createKeyRing } from '../keys/key-ring.ts';
import { createMemoryRegistry } from '../testing/memory-registry.ts';
import { createMemoryStore } from '../testing/memory-store.ts';
import { jsonPayload, plain } from '../testing/payloads.ts';
import { vaultGround } from '../testing/vault-ground.ts';
import { createClaimCheck } from './claim-check.ts';
import { writeClaimData } from './claim-reference.ts';
import { reencryptClaims } from './reencrypt-claims.ts';

const key = (id: string, byte: number) => createKey(id, Buffer.alloc(32, byte));
const claims = [key('c1', 9)];
const ring = (domain: string, active: string, ...others: string[]) =>
  createKeyRing({
    [domain]: {
      active: key(active, active.codePointAt(1) ?? 0),
      others: others.map((id) => key(id, id.codePointAt(1) ?? 0)),
      claims,
    },
  });
const payload = (seed: string) =>
  jsonPayload(Buffer.from(hkdfSync('sha256', seed, '', '', 4000)).toString('hex'));
const referenceTo = (name: string) => ({
  metadata: {
    encoding: Buffer.from('json/protobuf'),
    messageType: Buffer.from('temporal.api.sdk.v1.ExternalStorageReference'),
  },
  data: Buffer.from(JSON.stringify({ driverName: 'heliograph-claims', claimData: writeClaimData(name) })),
});

async function ground() {
  const store = createMemoryStore();
  const check = createClaimCheck({ store, registry: createMemoryRegistry(), thresholdBytes: 1000 });
  const write = async (keys: ReturnType<typeof ring>, domain: string, seed: string, namespace = 'prod') => {
    const codec = createCodec({ keys, namespace, domain, claims: check });
    await codec.encode([payload(seed)], { type: 'workflow', namespace, workflowId: 'w1' });
  };
  await write(ring('dispatch', 'k1'), 'dispatch', 'one');
  await write(ring('dispatch', 'k1'), 'dispatch', 'two');
  await write(ring('dispatch', 'k2', 'k1'), 'dispatch', 'three');
  await write(ring('health', 'h1'), 'health', 'four');
  await write(ring('dispatch', 'k1'), 'dispatch', 'five', 'other');
  return { store, check };
}
const keyIdsIn = (store: ReturnType<typeof createMemoryStore>) =>
  [...store.objects.values()].map((bytes) => readEnvelope(readPayload(bytes))?.keyId ?? '').toSorted();
const outcomesOf = async (options: Parameters<typeof reencryptClaims>[0]) => {
  const outcomes: string[] = [];
  for (let after: string | null = null; ;) {
    const { results, next } = await reencryptClaims({ ...options, after });
    outcomes.push(...results.map(({ outcome }) => outcome));
    if (next === null) return outcomes.toSorted();
    after = next;
  }
};

test('stored objects of the namespace get the active key, their names stay, and references of before are read with it alone', async () => {
  const { store, check } = await ground();
  const names = [...store.objects.keys()].toSorted();
  const keys = ring('dispatch', 'k2', 'k1');
  expect(await outcomesOf({ store, keys, namespace: 'prod', limit: 2 })).toEqual([
    'current',
    'failed',
    'foreign',
    'reencrypted',
    'reencrypted',
  ]);
  expect([...store.objects.keys()].toSorted()).toEqual(names);
  expect(keyIdsIn(store)).toEqual(['h1', 'k1', 'k2', 'k2', 'k2']);
  expect(await outcomesOf({ store, keys, namespace: 'prod' })).toEqual([
    'current',
    'current',
    'current',
    'failed',
    'foreign',
  ]);
  const reader = createCodec({ keys: ring('dispatch', 'k2'), namespace: 'prod', domain: 'dispatch' });
  const read = await Promise.all(
    names.map(async (name) =>
      reader.decode([await check.fetch(referenceTo(name))]).then(
        ([decoded]) => decoded,
        () => null,
      ),
    ),
  );
  const found = read.filter((decoded) => decoded !== null).map((decoded) => plain(decoded ?? {}));
  expect(found).toHaveLength(3);
  for (const seed of ['one', 'two', 'three']) expect(found).toContainEqual(plain(payload(seed)));
});

test('an object that was changed is reported and left as it is', async () => {
  const { store } = await ground();
  for (const [name, bytes] of store.objects)
    store.objects.set(name, bytes.with(bytes.length - 5, (bytes.at(-5) ?? 0) ^ 1));
  const before = new Map(store.objects);
  const outcomes = await outcomesOf({ store, keys: ring('dispatch', 'k2', 'k1'), namespace: 'prod' });
  expect(outcomes).toEqual(['current', 'failed', 'failed', 'failed', 'foreign']);
  expect(store.objects).toEqual(before);
});

test('an object that is replaced or deleted meanwhile is let go', async () => {
  const { store } = await ground();
  const keys = ring('dispatch', 'k2', 'k1');
  const racing = { ...store, replace: async () => false };
  expect(await outcomesOf({ store: racing, keys, namespace: 'prod' })).toContain('gone');
  const vanishing = { ...store, get: async () => null };
  expect(new Set(await outcomesOf({ store: vanishing, keys, namespace: 'prod' }))).toEqual(new Set(['gone']));
});

test('objects whose data key an older version of the active key wrapped are wrapped anew, and nothing else of them changes', async () => {
  const vault = await vaultGround();
  try {
    const store = createMemoryStore();
    const check = createClaimCheck({ store, registry: createMemoryRegistry(), thresholdBytes: 1000 });
    const write = async (keys: Awaited<ReturnType<typeof vault.ring>>, ...seeds: string[]) => {
      const codec = createCodec({ keys, namespace: 'prod', domain: 'dispatch', claims: check });
      await codec.encode(seeds.map(payload), { type: 'workflow', namespace: 'prod', workflowId: 'w1' });
    };
    await write(await vault.ring(), 'one', 'two');
    vault.rotate();
    const keys = await vault.ring();
    await write(keys, 'three');
    const before = new Map(store.objects);
    expect(await outcomesOf({ store, keys, namespace: 'prod', limit: 2 })).toEqual([
      'current',
      'rewrapped',
      'rewrapped',
    ]);
    for (const [name, bytes] of store.objects) {
      const [old, next] = [before.get(name) ?? new Uint8Array(), bytes].map((each) => readPayload(each));
      expect(Buffer.from(readEnvelope(next ?? {})?.wrappedKey ?? []).toString()).toMatch(/^vault:v2:/);
      const wrapped = 'encryption-dek';
      expect(next).toEqual({ ...old, metadata: { ...old?.metadata, [wrapped]: next?.metadata?.[wrapped] } });
    }
    expect(await outcomesOf({ store, keys, namespace: 'prod' })).toEqual(['current', 'current', 'current']);
    vault.key.minDecryptionVersion = 2;
    const reader = createCodec({
      keys: await vault.ring(),
      namespace: 'prod',
      domain: 'dispatch',
      claims: check,
    });
    const names = [...store.objects.keys()];
    const fetched = await Promise.all(names.map((name) => check.fetch(referenceTo(name))));
    expect((await reader.decode(fetched)).map(plain)).toEqual(
      expect.arrayContaining(['one', 'two', 'three'].map((seed) => plain(payload(seed)))),
    );
  } finally {
    await vault.close();
  }
});

test('an object that its data key does not decrypt, wrapped anew, is reported and left as it is', async () => {
  const vault = await vaultGround();
  try {
    const store = createMemoryStore();
    const check = createClaimCheck({ store, registry: createMemoryRegistry(), thresholdBytes: 1000 });
    const codec = createCodec({
      keys: await vault.ring(),
      namespace: 'prod',
      domain: 'dispatch',
      claims: check,
    });
    await codec.encode([payload('one')], { type: 'workflow', namespace: 'prod', workflowId: 'w1' });
    vault.rotate();
    const [name = ''] = [...store.objects.keys()];
    const bytes = store.objects.get(name) ?? new Uint8Array();
    const changed = bytes.with(bytes.length - 5, (bytes.at(-5) ?? 0) ^ 1);
    store.objects.set(name, changed);
    const { results } = await reencryptClaims({ store, keys: await vault.ring(), namespace: 'prod' });
    expect(results).toEqual([{ name, outcome: 'failed', code: 'CODEC_CORRUPT' }]);
    expect(store.objects.get(name)).toEqual(changed);
  } finally {
    await vault.close();
  }
});
