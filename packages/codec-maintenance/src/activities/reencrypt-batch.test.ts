import type { ObjectStore } from '@heliograph/codec/claims';
import { createCodec, createKey, createKeyRing, type KeyRing, readEnvelope } from '@heliograph/codec/codecs';
import proto from '@temporalio/proto';
import { expect, test } from '@jest/globals';
import { NOTHING_ROTATED } from '../contract/results.ts';
import { nameOf, objectsOf, ringOf } from '../testing/maintenance-ground.ts';
import { type BatchProgress, reencryptBatch } from './reencrypt-batch.ts';

const { Payload } = proto.temporal.api.common.v1;
const signal = new AbortController().signal;

/** A store in memory, in order of names. */
function memoryStore(objects: Map<string, Uint8Array>): ObjectStore {
  return {
    type: 'memory',
    put: async () => false,
    get: async (name) => {
      const bytes = objects.get(name);
      return bytes === undefined ? null : { bytes, version: Buffer.from(bytes).toString('base64') };
    },
    replace: async (name, { bytes, version }) => {
      const before = objects.get(name);
      if (before === undefined || Buffer.from(before).toString('base64') !== version) return false;
      objects.set(name, bytes);
      return true;
    },
    remove: async (name) => void objects.delete(name),
    list: async ({ after, limit }) =>
      [...objects.keys()]
        .toSorted()
        .filter((name) => after === null || name > after)
        .slice(0, limit),
  };
}
const keyIds = (objects: ReadonlyMap<string, Uint8Array>) =>
  [...objects.values()].map((bytes) => readEnvelope(Payload.decode(bytes))?.keyId);

test('a batch is bounded, says where it is after each page, and the next one goes on', async () => {
  const objects = await objectsOf('n', 1120);
  const options = { store: memoryStore(objects), keys: ringOf('k1'), namespace: 'n' };
  const seen: BatchProgress[] = [];
  const first = await reencryptBatch(options, { after: null, counts: NOTHING_ROTATED }, signal, (now) =>
    seen.push(now),
  );
  expect(first).toEqual({ counts: { ...NOTHING_ROTATED, reencrypted: 1000 }, next: nameOf(999) });
  expect(seen).toHaveLength(20);
  expect(seen[0]).toEqual({ after: nameOf(49), counts: { ...NOTHING_ROTATED, reencrypted: 50 } });
  const second = await reencryptBatch(
    options,
    { after: first.next, counts: NOTHING_ROTATED },
    signal,
    () => undefined,
  );
  expect(second).toEqual({ counts: { ...NOTHING_ROTATED, reencrypted: 120 }, next: null });
  expect(new Set(keyIds(objects))).toEqual(new Set(['k1']));
});

test('what cannot be encrypted anew is counted by its code, and holds up nothing', async () => {
  const objects = await objectsOf('n', 3);
  objects.set(nameOf(1), new Uint8Array([1, 2, 3]));
  for (const [name, bytes] of await objectsOf('other', 1, 10)) objects.set(name, bytes);
  const batch = await reencryptBatch(
    { store: memoryStore(objects), keys: ringOf('k1'), namespace: 'n' },
    { after: null, counts: NOTHING_ROTATED },
    signal,
    () => undefined,
  );
  expect(batch).toEqual({
    counts: { ...NOTHING_ROTATED, reencrypted: 2, foreign: 1, failed: { CODEC_CORRUPT: 1 } },
    next: null,
  });
});

test('a batch that is ended in the middle and repeated from its last page changes nothing twice', async () => {
  const objects = await objectsOf('n', 200);
  const options = { store: memoryStore(objects), keys: ringOf('k1'), namespace: 'n' };
  const ended = new AbortController();
  let last: BatchProgress = { after: null, counts: NOTHING_ROTATED };
  await expect(
    reencryptBatch(options, last, ended.signal, (now) => {
      // The second page is done, and its heartbeat is lost.
      if (now.counts.reencrypted === 100) ended.abort(new Error('killed'));
      else last = now;
    }),
  ).rejects.toThrow('killed');
  const again = await reencryptBatch(options, last, signal, () => undefined);
  expect(again).toEqual({ counts: { ...NOTHING_ROTATED, reencrypted: 150, current: 50 }, next: null });
  expect(new Set(keyIds(objects))).toEqual(new Set(['k1']));
});

test('objects whose data key was wrapped anew are counted, and current afterwards', async () => {
  const active = createKey('k1', Buffer.alloc(32, 1), { wrapped: Buffer.from('old') });
  const keys: KeyRing = {
    ...createKeyRing({ test: { active, others: [] } }),
    rewrapKey: async (_domain, _keyId, wrapped) =>
      Buffer.from(wrapped).toString() === 'old' ? Buffer.from('new') : null,
  };
  const payload = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('"stored"') };
  const envelopes = await createCodec({ keys, namespace: 'n', domain: 'test' }).encode([payload, payload]);
  const objects = new Map(
    envelopes.map((envelope, index) => [nameOf(index), Payload.encode(envelope).finish()]),
  );
  const options = { store: memoryStore(objects), keys, namespace: 'n' };
  const run = () =>
    reencryptBatch(options, { after: null, counts: NOTHING_ROTATED }, signal, () => undefined);
  expect(await run()).toEqual({ counts: { ...NOTHING_ROTATED, rewrapped: 2 }, next: null });
  expect(await run()).toEqual({ counts: { ...NOTHING_ROTATED, current: 2 }, next: null });
});
