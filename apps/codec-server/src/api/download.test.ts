import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClaimCheck, type ClaimRegistry, createClaimCheck } from '@heliograph/codec/claims';
import { createFileStore } from '@heliograph/codec/claims/file';
import { createCodec, createKeyRing } from '@heliograph/codec/codecs';
import { eventually } from '@heliograph/testkit';
import type { Payload } from '@temporalio/common';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { testKey } from '../testing/test-keys.ts';
import type { ClaimStore } from '../payloads/storage-reference.ts';
import {
  base64,
  type GroundOptions,
  jsonPayload,
  LIMITS,
  startWireGround,
  valueOf,
} from '../testing/wire-ground.ts';

const claimKeys = { claims: [testKey('c1', 200)] };
const keys = createKeyRing({
  dispatch: { active: testKey('d1', 1), others: [], ...claimKeys },
  health: { active: testKey('h1', 2), others: [], ...claimKeys },
});

let folder: string;
let claims: ClaimCheck;
let ground: Awaited<ReturnType<typeof startWireGround>>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'claims-'));
  claims = createClaimCheck({
    store: await createFileStore({ folder }),
    registry: onlyNames(),
    thresholdBytes: 1,
    maxObjectBytes: 100_000,
    fetchTimeoutMs: 500,
  });
  ground = await startWireGround({ keys, claims });
});
afterAll(async () => {
  await ground.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  ground.entries.length = 0;
});

/** Gives names, which is all that an upload needs of a register. */
function onlyNames(): ClaimRegistry {
  let next = 0;
  const name = async (id: string): Promise<string> => `${id}.${String(++next).padStart(16, '0')}`;
  const unused = (): never => {
    throw new TypeError('only an upload is expected');
  };
  return {
    claim: name,
    currentNames: async (names) => new Set(names),
    listOwners: unused,
    listFamilies: unused,
    observe: unused,
    disown: unused,
    condemn: unused,
    listCondemned: unused,
    forget: unused,
  };
}

const MESSAGE_TYPE = 'temporal.api.sdk.v1.ExternalStorageReference';
const referenceTo = (claimData: unknown, driverName = 'heliograph-claims') => ({
  metadata: { encoding: base64('json/protobuf'), messageType: base64(MESSAGE_TYPE) },
  data: base64(JSON.stringify({ driverName, claimData })),
  externalPayloads: [{ sizeBytes: '5062' }],
});

/** Stores a value, and gives the name of its object. */
async function store(value: unknown, { namespace = 'test', domain = 'dispatch' } = {}): Promise<string> {
  const codec = createCodec({ keys, namespace, domain, claims });
  const context = { type: 'workflow', namespace, workflowId: 'w' } as const;
  const [envelope] = await codec.encode([jsonPayload(value)], context);
  return Buffer.from(envelope?.metadata?.['encryption-claim'] ?? []).toString();
}

describe('a stored payload', () => {
  test('is fetched and decrypted by /download, and by /decode unless references are to be kept', async () => {
    const reference = referenceTo({ v: '1', name: await store('large') });
    for (const path of [
      '/download?preserveStorageRefs=true',
      '/test/download',
      '/decode',
      '/decode?preserveStorageRefs=no',
    ]) {
      const { status, json } = await ground.post(path, 'developer', [reference, reference]);
      expect([status, json.payloads.map(valueOf)]).toEqual([200, ['large', 'large']]);
    }
    expect(ground.entries[0]).toMatchObject({
      action: 'download',
      domain: 'dispatch',
      keyId: 'd1',
      count: 2,
    });
    const kept = await ground.post('/decode?preserveStorageRefs=true', 'developer', [reference]);
    expect(kept.json.payloads).toEqual([reference]);
  });

  test('is authorized by what was fetched, for downloading, whatever asks', async () => {
    const production = referenceTo({ v: '1', name: await store('secret', { namespace: 'production' }) });
    const health = referenceTo({ v: '1', name: await store('secret', { domain: 'health' }) });
    const dispatch = referenceTo({ v: '1', name: await store('mine') });
    for (const path of ['/download?strict=true', '/decode?strict=true', '/test/download?strict=true'])
      for (const [role, reference, code] of [
        ['developer', production, 'ACCESS_DENIED'],
        ['on-call', production, 'ELEVATION_REQUIRED'],
        ['finance', health, 'ACCESS_DENIED'],
        // Support may decode what is in a history, and not download.
        ['support', dispatch, 'ACCESS_DENIED'],
      ] as const) {
        const { status, json, text } = await ground.post(path, role, [reference], { 'x-namespace': 'test' });
        expect([role, status, json.code]).toEqual([role, 403, code]);
        expect(text).not.toContain(base64('"secret"'));
      }
    expect(ground.entries[0]).toMatchObject({ namespace: 'production', outcome: 'denied', keyId: 'd1' });
    const ada = await ground.post('/download', 'ada', [production, health]);
    expect(ada.json.payloads.map(valueOf)).toEqual(['secret', 'secret']);
  });

  test('that is exchanged for another one of the store is refused', async () => {
    const name = await store('mine');
    const other = await store('other');
    const files = await readdir(folder, { recursive: true });
    const fileOf = (wanted: string): string =>
      join(folder, files.find((file) => file.endsWith(wanted)) ?? '');
    const { readFile } = await import('node:fs/promises');
    await writeFile(fileOf(name), await readFile(fileOf(other)));
    const { status, json } = await ground.post('/download?strict=true', 'developer', [
      referenceTo({ v: '1', name }),
    ]);
    expect([status, json.code]).toEqual([422, 'CODEC_CORRUPT']);
  });
});

describe('a reference that anybody may have written', () => {
  const digest = 'a'.repeat(64);
  test.each<[string, unknown, string]>([
    ['a path', { v: '1', name: '../../../../etc/passwd' }, 'CODEC_CLAIM_INVALID'],
    ['an absolute path', { v: '1', name: '/etc/passwd' }, 'CODEC_CLAIM_INVALID'],
    [
      'a name with a path in it',
      { v: '1', name: `c1-${digest}.0000000000000001/../../x` },
      'CODEC_CLAIM_INVALID',
    ],
    ['an address', { v: '1', name: 'http://169.254.169.254/latest/meta-data' }, 'CODEC_CLAIM_INVALID'],
    ['a bucket', { v: '1', name: `c1-${digest}.0000000000000001`, bucket: 'b' }, 'CODEC_CLAIM_INVALID'],
    ['nothing', {}, 'CODEC_CLAIM_INVALID'],
    ['no object', 'claims', 'CODEC_CLAIM_INVALID'],
    ['an object that is not there', { v: '1', name: `c1-${digest}.ffffffffffffffff` }, 'CODEC_CLAIM_MISSING'],
  ])('names %s: a 4xx by name, audited, and nothing of it is repeated', async (_, claimData, code) => {
    for (const path of ['/download?strict=true', '/decode?strict=true']) {
      const { status, json, text } = await ground.post(path, 'developer', [referenceTo(claimData)]);
      expect([status, json.code]).toEqual([422, code]);
      expect(text).not.toMatch(/passwd|169\.254|root:/);
    }
    expect(ground.entries).toMatchObject([
      { action: 'download', outcome: 'failed', reason: code, count: 1 },
      { action: 'decode', outcome: 'failed', reason: code, count: 1 },
    ]);
    const lenient = await ground.post('/download', 'developer', [referenceTo(claimData)]);
    expect(valueOf(lenient.json.payloads[0])).toMatchObject({ code });
  });

  test('of another driver is refused', async () => {
    const reference = referenceTo({ v: '1', name: await store('mine') }, 's3');
    const { json } = await ground.post('/download?strict=true', 'developer', [reference]);
    expect(json.code).toBe('CODEC_CLAIM_INVALID');
  });

  test('together name more than one answer may hold', async () => {
    // Random, so that it is as large in the store.
    const { randomBytes } = await import('node:crypto');
    const large = referenceTo({ v: '1', name: await store(randomBytes(40_000).toString('hex')) });
    const { json } = await ground.post(
      '/download',
      'developer',
      Array.from({ length: 12 }, () => large),
    );
    const refused = json.payloads.filter((payload: { data: string }) =>
      JSON.stringify(valueOf(payload)).includes('CODEC_TOO_LARGE'),
    );
    expect(refused.length).toBeGreaterThan(4);
  });
});

describe('downloading', () => {
  const plain = { metadata: { encoding: base64('json/plain') }, data: base64('1') };
  test('takes references only', async () => {
    const { status, json } = await ground.post('/download', 'developer', [plain]);
    expect([status, json.code]).toEqual([400, 'REFERENCE_REQUIRED']);
    expect(ground.entries).toMatchObject([
      { action: 'download', outcome: 'refused', reason: 'REFERENCE_REQUIRED' },
    ]);
  });

  test('without a store is refused, and decoding leaves references as they are', async () => {
    const without = await startWireGround({ keys });
    try {
      const reference = referenceTo({ v: '1', name: 'x' });
      const { status, json } = await without.post('/download', 'developer', [reference]);
      expect([status, json.code]).toEqual([400, 'CLAIM_STORE_ABSENT']);
      expect((await without.post('/decode', 'developer', [reference])).json.payloads).toEqual([reference]);
    } finally {
      await without.close();
    }
  });
});

describe('many references', () => {
  const names = Array.from(
    { length: 130 },
    (_, at) => `c1-${'0'.repeat(64)}.${String(at).padStart(16, '0')}`,
  );
  const references = names.map((name) => referenceTo({ v: '1', name }));

  /** A store that answers when it is told to. */
  function heldStore() {
    const fetched: string[] = [];
    const state = { running: 0, most: 0 };
    let release: (payload: Payload) => void = () => undefined;
    const released = new Promise<Payload>((resolve) => (release = resolve));
    const held: ClaimStore = {
      fetch: async ({ data }, signal) => {
        fetched.push(JSON.parse(Buffer.from(data ?? []).toString()).claimData.name);
        state.running++;
        state.most = Math.max(state.most, state.running);
        const aborted = new Promise<never>((_, reject) => {
          if (signal.aborted) reject(signal.reason);
          signal.addEventListener('abort', () => reject(signal.reason));
        });
        try {
          return await Promise.race([released, aborted]);
        } finally {
          state.running--;
        }
      },
    };
    return { held, fetched, state, release };
  }
  const groundOf = (held: ClaimStore, overrides: NonNullable<GroundOptions['overrides']> = {}) =>
    startWireGround({ keys, claims: held, overrides });
  const codesOf = (payloads: readonly { readonly data: string }[]): readonly unknown[] =>
    payloads.map((payload) => Object(valueOf(payload)).code ?? 'opened');
  const sealed = async (value: unknown): Promise<Payload> => {
    const [envelope = {}] = await createCodec({ keys, namespace: 'test', domain: 'dispatch' }).encode([
      jsonPayload(value),
    ]);
    return envelope;
  };

  test('of who may download nothing are not fetched, and tell nothing of what there is', async () => {
    const { held, fetched } = heldStore();
    const other = await groundOf(held);
    for (const role of ['support', 'starter']) {
      const { json } = await other.post('/decode', role, references.slice(0, 2));
      expect(codesOf(json.payloads)).toEqual(['ACCESS_DENIED', 'ACCESS_DENIED']);
      const strict = await other.post('/download?strict=true', role, references.slice(0, 1));
      expect([strict.status, strict.json.code]).toEqual([403, 'ACCESS_DENIED']);
    }
    expect(fetched).toEqual([]);
    expect(other.entries).toMatchObject(
      [2, 1, 2, 1].map((count) => ({ count, outcome: 'denied', reason: 'ACCESS_DENIED' })),
    );
    await other.close();
  });

  test('are fetched once each, four at a time, and not more than a request may have', async () => {
    const { held, fetched, state, release } = heldStore();
    const other = await groundOf(held);
    const answering = other.post('/download', 'developer', [...references, ...references]);
    await eventually('four at a time', () => state.running === 4);
    release(await sealed('small'));
    const { json } = await answering;
    expect([fetched.length, new Set(fetched).size, state.most]).toEqual([100, 100, 4]);
    expect(codesOf(json.payloads.slice(0, 130))).toEqual([
      ...Array(100).fill('opened'),
      ...Array(30).fill('CODEC_TOO_LARGE'),
    ]);
    await other.close();
  });

  test('have a time together, after which what there is is answered', async () => {
    const { held } = heldStore();
    const small = await sealed('small');
    const other = await groundOf(
      {
        fetch: async (reference, signal) =>
          String(Buffer.from(reference.data ?? [])).includes(names[0] ?? '-')
            ? small
            : held.fetch(reference, signal),
      },
      { limits: { ...LIMITS, fetchTimeoutMs: 100 } },
    );
    const { json } = await other.post('/download', 'developer', references);
    expect(codesOf(json.payloads.slice(0, 3))).toEqual([
      'opened',
      'CODEC_CLAIMS_UNAVAILABLE',
      'CODEC_CLAIMS_UNAVAILABLE',
    ]);
    const strict = await other.post('/download?strict=true', 'developer', references);
    expect([strict.status, strict.json.code]).toEqual([503, 'CODEC_CLAIMS_UNAVAILABLE']);
    await other.close();
  });

  test('that are more together than one answer may be are given out up to there', async () => {
    // Random, so that it is as large in the store.
    const { randomBytes } = await import('node:crypto');
    const large = await sealed(randomBytes(30_000).toString('hex'));
    const other = await groundOf({ fetch: async () => large });
    const { json } = await other.post('/download', 'developer', references.slice(0, 12));
    const opened = codesOf(json.payloads).filter((code) => code === 'opened').length;
    // 34 KB each in the store, and 60 KB in the answer.
    expect([opened, new Set(codesOf(json.payloads))]).toEqual([4, new Set(['opened', 'CODEC_TOO_LARGE'])]);
    await other.close();
  });

  test('of one caller leave room for others, and count as requests', async () => {
    const { held, fetched, state, release } = heldStore();
    const small = await sealed('small');
    const mine = referenceTo({ v: '1', name: `c1-${'1'.repeat(64)}.0000000000000001` });
    const other = await groundOf(
      {
        fetch: async (reference, signal) =>
          String(Buffer.from(reference.data ?? [])).includes('1'.repeat(64))
            ? small
            : held.fetch(reference, signal),
      },
      { requestsPerMinute: 450 },
    );
    const flood = Array.from({ length: 5 }, () => other.post('/download', 'developer', references));
    await eventually('as many as one caller may', () => fetched.length === 8);
    const { json } = await other.post('/download', 'ada', [mine]);
    expect(codesOf(json.payloads)).toEqual(['opened']);
    expect(state.most).toBe(8);
    release(small);
    for (const { status } of await Promise.all(flood)) expect(status).toBe(200);
    // Five requests for 100 objects each.
    expect((await other.post('/download', 'developer', [mine])).json.code).toBe('RATE_LIMITED');
    expect((await other.post('/download', 'ada', [mine])).status).toBe(200);
    await other.close();
  });

  test('to one object, however many there are, decrypt it once', async () => {
    let decrypted = 0;
    const { randomBytes } = await import('node:crypto');
    const large = await sealed(randomBytes(30_000).toString('hex'));
    const other = await startWireGround({
      claims: { fetch: async () => large },
      keys: {
        ...keys,
        async findKey(...name) {
          const key = await keys.findKey(...name);
          return {
            id: key.id,
            key: key.key,
            wrapped: key.wrapped,
            get isOfSamples() {
              decrypted++;
              return key.isOfSamples;
            },
          };
        },
      },
    });
    const same = Array.from({ length: 200 }, () => references[0]);
    const { json } = await other.post('/download', 'developer', same);
    expect(codesOf(json.payloads)).toEqual([
      ...Array(4).fill('opened'),
      ...Array(196).fill('CODEC_TOO_LARGE'),
    ]);
    expect(decrypted).toBe(1);
    await other.close();
  });

  test('that are too much memory for the server are refused as a whole, and audited', async () => {
    const { held, release } = heldStore();
    release(await sealed('x'.repeat(60_000)));
    const other = await groundOf(held, {
      bytesInFlight: 200_000,
      limits: { ...LIMITS, perRequestBytes: 1_000_000 },
    });
    const { status, headers, json } = await other.post('/download', 'developer', references);
    expect([status, headers.get('retry-after'), json.code]).toEqual([429, '1', 'BYTES_LIMITED']);
    expect(other.entries).toMatchObject([
      { action: 'download', subject: 'developer', outcome: 'refused', reason: 'BYTES_LIMITED' },
    ]);
    expect((await other.post('/decode', 'developer', [])).status).toBe(200);
    await other.close();
  });
});
