import { hkdfSync } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Payload } from '@temporalio/common';
import { createCodec } from '../codecs/create-codec.ts';
import { readEnvelope } from '../codecs/envelope.ts';
import { readPayload } from '../codecs/payload-bytes.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { claimsDatabase } from '../testing/claims-database.ts';
import { jsonPayload, plain } from '../testing/payloads.ts';
import { vaultGround } from '../testing/vault-ground.ts';
import { createClaimCheck } from './claim-check.ts';
import { writeClaimData } from './claim-reference.ts';
import type { ObjectStore } from './object-store.ts';
import { createPostgresRegistry, createPostgresStore } from './postgres/index.ts';
import { type Reencryption, reencryptClaims } from './reencrypt-claims.ts';

const COUNT = 60;
const signal = new AbortController().signal;

let database: Awaited<ReturnType<typeof claimsDatabase>>;
let ground: Awaited<ReturnType<typeof vaultGround>>;
let store: ObjectStore;
let claims: ReturnType<typeof createClaimCheck>;
beforeAll(async () => {
  database = await claimsDatabase('rewrap');
  store = createPostgresStore(database);
  claims = createClaimCheck({
    store,
    registry: createPostgresRegistry(database),
    thresholdBytes: 1000,
  });
});
afterAll(() => database.close());
beforeEach(async () => {
  ground = await vaultGround();
  await database.sql`truncate claims.names, claims.owners, claims.families, claims.condemned, claims.objects`;
});
afterEach(() => ground.close());

const payloads = Array.from({ length: COUNT }, (_, n) =>
  jsonPayload(`${n} ${Buffer.from(hkdfSync('sha256', String(n), '', '', 2000)).toString('hex')}`),
);
const codecOf = (keys: KeyRing) => createCodec({ keys, namespace: 'prod', domain: 'dispatch', claims });
async function upload(keys: KeyRing, some: readonly Payload[] = payloads): Promise<void> {
  await codecOf(keys).encode([...some], { type: 'workflow', namespace: 'prod', workflowId: 'w1' });
}
const referenceTo = (name: string): Payload => ({
  metadata: {
    encoding: Buffer.from('json/protobuf'),
    messageType: Buffer.from('temporal.api.sdk.v1.ExternalStorageReference'),
  },
  data: Buffer.from(JSON.stringify({ driverName: 'heliograph-claims', claimData: writeClaimData(name) })),
});
/** As a worker reads a history: what it gives back has the id that the reference names. */
async function readAll(keys: KeyRing, names: readonly string[]): Promise<readonly unknown[]> {
  const codec = codecOf(keys);
  const read = await Promise.all(
    names.map(async (name) => codec.decode([await claims.fetch(referenceTo(name))])),
  );
  return read.flat().map((payload) => plain(payload));
}
const listNames = () => store.list({ after: null, limit: 1000 }, signal);
async function envelopes() {
  const objects = await Promise.all((await listNames()).map((name) => store.get(name, 1_000_000, signal)));
  return objects.map((object) => {
    const payload = readPayload(object?.bytes ?? new Uint8Array());
    return {
      version: Buffer.from(readEnvelope(payload)?.wrappedKey ?? [])
        .toString()
        .slice(0, 9),
      wrapped: Buffer.from(readEnvelope(payload)?.wrappedKey ?? []).toString(),
      ciphertext: Buffer.from(payload.data ?? []).toString('base64'),
    };
  });
}
async function rotateAll(keys: KeyRing, over: ObjectStore = store): Promise<readonly Reencryption[]> {
  const results: Reencryption[] = [];
  for (let after: string | null = null; ;) {
    const page = await reencryptClaims({ store: over, keys, namespace: 'prod', after, limit: 7 });
    results.push(...page.results);
    if (page.next === null) return results;
    after = page.next;
  }
}
const outcomesOf = (results: readonly Reencryption[]): readonly string[] => [
  ...new Set(results.map((result) => ('code' in result ? result.code : result.outcome))),
];
const expected = payloads.map((payload) => plain(payload));

test('after a rotation in Vault, objects are wrapped by its newest version while others read them, and the old one can go', async () => {
  const before = await ground.ring();
  await upload(before);
  const [names, old] = [await listNames(), await envelopes()];
  expect(names).toHaveLength(COUNT);
  ground.rotate();
  // A reader of before, as a worker that goes on: it meets old and new objects.
  const ended = new AbortController();
  const readOn = async (): Promise<number> => {
    let rounds = 0;
    for (; !ended.signal.aborted || rounds < 2; rounds++)
      expect(new Set(await readAll(before, names))).toEqual(new Set(expected));
    return rounds;
  };
  const keys = await ground.ring();
  ground.takeRequests();
  const [results] = await Promise.all([rotateAll(keys).finally(() => ended.abort()), readOn()]);
  expect(outcomesOf(results)).toEqual(['rewrapped']);
  const anew = await envelopes();
  expect(await listNames()).toEqual(names);
  // One data key for all, before and after: readers ask for it once.
  expect(new Set(old.map(({ wrapped }) => wrapped)).size).toBe(1);
  expect(new Set(anew.map(({ wrapped }) => wrapped)).size).toBe(1);
  expect(new Set(anew.map(({ version }) => version))).toEqual(new Set(['vault:v2:']));
  expect(anew.map(({ ciphertext }) => ciphertext)).toEqual(old.map(({ ciphertext }) => ciphertext));
  expect(ground.takeRequests()['rewrap']).toBe(2);
  expect(outcomesOf(await rotateAll(keys))).toEqual(['current']);
  ground.key.minDecryptionVersion = 2;
  expect(new Set(await readAll(await ground.ring(), names))).toEqual(new Set(expected));
});

test('one that dies in the middle leaves each object as it was or as it is to be, and another one goes on', async () => {
  await upload(await ground.ring());
  const names = await listNames();
  ground.rotate();
  for (const isBefore of [true, false]) {
    let replaced = 0;
    const dying: ObjectStore = {
      ...store,
      replace: async (...request) => {
        const isLast = ++replaced === 20;
        if (isLast && isBefore) throw new Error('killed');
        const isReplaced = await store.replace(...request);
        if (isLast) throw new Error('killed');
        return isReplaced;
      },
    };
    await expect(rotateAll(await ground.ring(), dying)).rejects.toThrow('killed');
    const versions = (await envelopes()).map(({ version }) => version);
    const done = versions.filter((version) => version === 'vault:v2:').length;
    expect(done).toBe(isBefore ? 19 : 39);
    expect(versions.filter((version) => version === 'vault:v1:')).toHaveLength(COUNT - done);
    expect(new Set(await readAll(await ground.ring(), names))).toEqual(new Set(expected));
  }
  const results = await rotateAll(await ground.ring());
  expect(outcomesOf(results).toSorted()).toEqual(['current', 'rewrapped']);
  expect(new Set((await envelopes()).map(({ version }) => version))).toEqual(new Set(['vault:v2:']));
});

test('two at once replace each object once', async () => {
  await upload(await ground.ring());
  ground.rotate();
  const [first, second] = await Promise.all([rotateAll(await ground.ring()), rotateAll(await ground.ring())]);
  const rewrapped = [...first, ...second].filter(({ outcome }) => outcome === 'rewrapped');
  expect(rewrapped.map(({ name }) => name).toSorted()).toEqual((await listNames()).toSorted());
  expect(
    outcomesOf([...first, ...second]).every((outcome) => /^(?:rewrapped|current|gone)$/.test(outcome)),
  ).toBe(true);
  ground.key.minDecryptionVersion = 2;
  expect(new Set(await readAll(await ground.ring(), await listNames()))).toEqual(new Set(expected));
});

test('an object is left as it is where its data key does not decrypt it, or is not given', async () => {
  await upload(await ground.ring(), payloads.slice(0, 3));
  const [first = ''] = await listNames();
  const object = await store.get(first, 1_000_000, signal);
  const bytes = object?.bytes ?? new Uint8Array();
  const changed = bytes.with(bytes.length - 5, (bytes.at(-5) ?? 0) ^ 1);
  await store.replace(first, { bytes: changed, version: object?.version ?? '' }, signal);
  const before = await envelopes();
  ground.rotate();
  ground.vault.tokens.set('t0k3n', { allows: (path) => !path.includes('rewrap') });
  expect(outcomesOf(await rotateAll(await ground.ring()))).toEqual(['CODEC_KEY_REFUSED']);
  expect(await envelopes()).toEqual(before);
  ground.vault.tokens.set('t0k3n', { allows: () => true });
  expect(outcomesOf(await rotateAll(await ground.ring()))).toEqual(['CODEC_CORRUPT', 'rewrapped']);
  expect((await envelopes())[0]).toEqual(before[0]);
});
