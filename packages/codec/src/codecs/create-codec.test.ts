import { randomBytes } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Payload, SerializationContext } from '@temporalio/common';
import proto from '@temporalio/proto';
import fc from 'fast-check';
import { CodecError } from '../contract/errors.ts';
import { createKey } from '../keys/codec-key.ts';
import { createKeyRing } from '../keys/key-ring.ts';
import { parseKeyRing } from '../keys/parse-key-ring.ts';
import { anyPayload, jsonPayload, plain } from '../testing/payloads.ts';
import { type CodecOptions, createCodec } from './create-codec.ts';
import { createEncryptionCodec } from './encryption-codec.ts';
import { writePayload } from './payload-bytes.ts';
import { seal } from './seal.ts';

/** Not by `Buffer.from`, which would put it into the memory that is looked through here. */
function patternOf(step: number): Buffer {
  const bytes = Buffer.alloc(32);
  for (const at of bytes.keys()) bytes[at] = (at * step + 11) % 256;
  return bytes;
}
const keyBytes = patternOf(37);
const keys = parseKeyRing(
  JSON.stringify({
    domains: { dispatch: { active: 'k1', keys: [{ id: 'k1', key: keyBytes.toString('base64url') }] } },
  }),
);

describe('a codec that compresses and encrypts', () => {
  test.each<Pick<CodecOptions, 'compression'>>([
    {},
    { compression: { minBytes: 0 } },
    { compression: false },
  ])('gives back any payload with %p', async (options) => {
    const codec = createCodec({ keys, namespace: 'prod', domain: 'dispatch', ...options });
    await fc.assert(
      fc.asyncProperty(fc.array(anyPayload, { maxLength: 3 }), async (payloads) => {
        expect((await codec.decode(await codec.encode(payloads))).map(plain)).toEqual(payloads.map(plain));
      }),
    );
  });

  test('leaves what it is given as it is, also one payload given twice (temporalio/sdk-dotnet#234)', async () => {
    const codec = createCodec({ keys, namespace: 'prod', domain: 'dispatch' });
    const given = jsonPayload('A secret '.repeat(200));
    const before = plain(given);
    const encoded = await codec.encode([given, given]);
    expect([given, given].map(plain)).toEqual([before, before]);
    expect(encoded[0]).not.toBe(encoded[1]);
    expect(plain(encoded[0] ?? {})).not.toEqual(plain(encoded[1] ?? {}));
    const [first] = encoded;
    const envelope = plain(first ?? {});
    const decoded = await codec.decode([first ?? {}, first ?? {}]);
    expect(decoded.map(plain)).toEqual([before, before]);
    expect(plain(first ?? {})).toEqual(envelope);
  });

  test('returns nothing in memory that holds more than it', async () => {
    const codec = createCodec({ keys, namespace: 'prod', domain: 'dispatch' });
    const encoded = await codec.encode([jsonPayload('x'), jsonPayload('A secret '.repeat(200))]);
    const decoded = await codec.decode(encoded);
    for (const { data } of [...encoded, ...decoded]) {
      expect(data?.buffer.byteLength).toBeLessThan((data?.length ?? 0) + 200);
      expect(Buffer.from(data?.buffer ?? new ArrayBuffer()).includes(keyBytes)).toBe(false);
    }
  });
});

const ofSamples = createKey('old', Buffer.alloc(32, 9), { isOfSamples: true });
const mixed = createKeyRing({ dispatch: { active: createKey('k1', keyBytes), others: [ofSamples] } });
const options = { keys: mixed, namespace: 'prod', domain: 'dispatch' } as const;
const packedPayload = (encoding: string, data: Uint8Array): Payload => ({
  metadata: { encoding: Buffer.from(encoding) },
  data,
});
const payloadBytes = (payload: Payload) => proto.temporal.api.common.v1.Payload.encode(payload).finish();
/** A payload as the official samples encrypt it. */
const sampled = (payload: Payload): Payload => ({
  metadata: { encoding: Buffer.from('binary/encrypted'), 'encryption-key-id': Buffer.from('old') },
  data: seal(ofSamples.key, { nonce: randomBytes(12), associated: null }, writePayload(payload)),
});

describe('what looks compressed', () => {
  const theirs: readonly (readonly [string, Payload])[] = [
    ['a text in gzip', packedPayload('binary/gzip', gzipSync('their own text'))],
    ['a text in zstd', packedPayload('binary/zstd', zstdCompressSync(Buffer.from('their own text')))],
    ['noise', packedPayload('binary/zstd', randomBytes(300))],
    ['nothing', packedPayload('binary/gzip', Buffer.alloc(0))],
  ];
  const payloadsOf = [gzipSync, zstdCompressSync].map((pack, at) =>
    packedPayload(at === 0 ? 'binary/gzip' : 'binary/zstd', pack(payloadBytes(jsonPayload('inner')))),
  );

  test.each(theirs)('and is plain comes back as it is: %s', async (_, payload) => {
    const permissive = createCodec({ ...options, mode: 'permissive' });
    expect(await permissive.decode([payload])).toEqual([payload]);
    expect((await permissive.decode(await permissive.encode([payload]))).map(plain)).toEqual([
      plain(payload),
    ]);
  });

  test.each(payloadsOf)(
    'and is plain comes back as it is, also where a payload is inside',
    async (payload) => {
      const permissive = createCodec({ ...options, mode: 'permissive' });
      expect(await permissive.decode([payload])).toEqual([payload]);
    },
  );

  test('and is plain is no bomb', async () => {
    const permissive = createCodec({
      ...options,
      mode: 'permissive',
      compression: { maxInflatedBytes: 1000 },
    });
    const bomb = packedPayload('binary/gzip', gzipSync(payloadBytes({ data: Buffer.alloc(1_000_000) })));
    expect(await permissive.decode([bomb])).toEqual([bomb]);
  });

  test.each(payloadsOf)('in an envelope of the samples is decompressed', async (payload) => {
    expect((await createCodec(options).decode([sampled(payload)])).map(plain)).toEqual([
      plain(jsonPayload('inner')),
    ]);
  });

  test.each(theirs)('in an envelope of the samples comes back as it is: %s', async (_, payload) => {
    expect((await createCodec(options).decode([sampled(payload)])).map(plain)).toEqual([plain(payload)]);
  });

  test('in an envelope of the samples is refused above the limit', async () => {
    const bomb = packedPayload('binary/gzip', gzipSync(payloadBytes({ data: Buffer.alloc(1_000_000) })));
    const careful = createCodec({ ...options, compression: { maxInflatedBytes: 1000 } });
    await expect(careful.decode([sampled(bomb)])).rejects.toMatchObject({ code: 'CODEC_TOO_LARGE' });
  });
});

test.each(['binary/zstd', 'binary/gzip'])(
  'noise as %s in an envelope of ours is refused: we compress it again',
  async (encoding) => {
    const encoded = await createEncryptionCodec(options).encode([packedPayload(encoding, randomBytes(99))]);
    await expect(createCodec(options).decode(encoded)).rejects.toMatchObject({ code: 'CODEC_CORRUPT' });
  },
);

test('a codec that only decodes encrypts nothing, also where its ring could', async () => {
  for (const codec of [createCodec, createEncryptionCodec])
    await expect(codec({ ...options, isDecodeOnly: true }).encode([jsonPayload(1)])).rejects.toMatchObject({
      code: 'CODEC_DECODE_ONLY',
    });
});

test('payloads above the limits are encrypted, and come back', async () => {
  const tiny = createCodec({ ...options, compression: { minBytes: 0, maxInflatedBytes: 100 } });
  const payloads = [
    jsonPayload('x'.repeat(500)),
    packedPayload('binary/zstd', zstdCompressSync(randomBytes(500))),
    packedPayload('binary/gzip', gzipSync(randomBytes(500))),
  ];
  const encoded = await tiny.encode(payloads);
  expect(encoded.map(({ metadata }) => Buffer.from(metadata?.['encoding'] ?? []).toString())).toEqual(
    payloads.map(() => 'binary/encrypted'),
  );
  expect((await tiny.decode(encoded)).map(plain)).toEqual(payloads.map(plain));
});

test.each<[string, unknown]>([
  ['nothing at all', {}],
  ['null for everything', { metadata: null, data: null, externalPayloads: null }],
  ['metadata without a value', { metadata: { encoding: null, more: undefined }, data: Buffer.from('1') }],
  ['references', { ...jsonPayload(1), externalPayloads: [{ sizeBytes: 5 }] }],
])('a payload that has %s is encoded: nothing makes encode fail', async (_, sloppy) => {
  const codec = createCodec({ ...options, compression: { minBytes: 0 } });
  const [encoded = {}] = await codec.encode([sloppy as Payload]);
  expect(Buffer.from(encoded.metadata?.['encoding'] ?? []).toString()).toBe('binary/encrypted');
  expect(await codec.decode([encoded])).toHaveLength(1);
});

describe('payloads that are decoded each for itself', () => {
  const codec = createCodec(options);

  test('do not take others along', async () => {
    const [first = {}, second = {}] = await codec.encode([jsonPayload(1), jsonPayload('y'.repeat(5000))]);
    const outcomes = await codec.decodeEach([
      first,
      jsonPayload('plain'),
      second,
      { ...first, data: (second.data ?? Buffer.alloc(0)).subarray(1) },
    ]);
    expect(
      outcomes.map((outcome) => (outcome.kind === 'failed' ? outcome.error.code : plain(outcome.payload))),
    ).toEqual([
      plain(jsonPayload(1)),
      'CODEC_PLAIN_REFUSED',
      plain(jsonPayload('y'.repeat(5000))),
      'CODEC_CORRUPT',
    ]);
  });

  test('share the limit of one call', async () => {
    const tight = createCodec({ ...options, compression: { maxInflatedBytesPerCall: 12_000 } });
    const large = await Promise.all(
      Array.from({ length: 4 }, async () => (await tight.encode([jsonPayload('z'.repeat(5000))]))[0] ?? {}),
    );
    const [small = {}] = await tight.encode([jsonPayload('small')]);
    const outcomes = await tight.decodeEach([...large, small]);
    expect(outcomes.map((outcome) => (outcome.kind === 'failed' ? outcome.error.code : 'decoded'))).toEqual([
      'decoded',
      'decoded',
      'CODEC_TOO_LARGE',
      'CODEC_TOO_LARGE',
      'decoded',
    ]);
    await expect(tight.decode([...large, small])).rejects.toMatchObject({ code: 'CODEC_TOO_LARGE' });
  });

  test('are decrypted one after the other, as far as all may be together and memory is counted', async () => {
    let decrypted = 0;
    let [held, most] = [0, 0];
    const counting = createCodec({
      ...options,
      maxDecodedBytes: 25_000,
      keys: {
        ...mixed,
        async findKey(...name) {
          const key = await mixed.findKey(...name);
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
      compression: {
        hold: {
          take(bytes) {
            held += bytes;
            most = Math.max(most, held);
          },
          release: (bytes) => (held -= bytes),
        },
      },
    });
    const noise = randomBytes(7500).toString('base64');
    const sealed = await createCodec({ ...options, compression: false }).encode(
      Array.from({ length: 50 }, () => jsonPayload(noise)),
    );
    const outcomes = await counting.decodeEach(sealed);
    expect(outcomes.map((outcome) => (outcome.kind === 'failed' ? outcome.error.code : 'decoded'))).toEqual([
      ...Array(2).fill('decoded'),
      ...Array(48).fill('CODEC_TOO_LARGE'),
    ]);
    const two = sealed.slice(0, 2).reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
    expect([decrypted, most, held]).toEqual([2, two, two]);
    const [packed = {}] = await createCodec(options).encode([jsonPayload('x'.repeat(5000))]);
    [held, most] = [0, 0];
    const [good, bad] = await counting.decodeEach([packed, { ...packed, data: Buffer.alloc(1000) }]);
    expect([good?.kind, bad?.kind]).toEqual(['decoded', 'failed']);
    // Only what it has become is still there.
    expect(held).toBeLessThan(5100);
    expect(held).toBeGreaterThan(5000);
  });

  test('of a key ring that fails in its own way fail without its words', async () => {
    const strange = createCodec({
      ...options,
      maxKeyWaitMs: 0,
      keys: { ...mixed, findKey: () => Promise.reject(new TypeError('hunter2')) },
    });
    const [encoded = {}] = await codec.encode([jsonPayload(1)]);
    const [outcome] = await strange.decodeEach([encoded]);
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { code: 'CODEC_KEY_UNAVAILABLE', retryable: true },
    });
    expect(JSON.stringify(outcome)).not.toContain('hunter2');
  });
});

test('the bytes of a parsed key do not stay in the memory that small buffers share', () => {
  const other = patternOf(41);
  const key = other.toString('base64url');
  const json = JSON.stringify({ domains: { d: { active: 'k', keys: [{ id: 'k', key }] } } });
  const pool = Buffer.from(Buffer.from('pool').buffer);
  parseKeyRing(json);
  expect(pool.indexOf(other)).toBe(-1);
});

describe('payloads that are not decoded are counted', () => {
  test('by code and by a domain of the ring, not by what a payload says', async () => {
    const failures: object[] = [];
    const waits: object[] = [];
    const codec = createCodec({
      ...options,
      maxKeyWaitMs: 1,
      metrics: { decodeFailed: (failure) => failures.push(failure), keyWaited: (wait) => waits.push(wait) },
      compression: { maxInflatedBytes: 1000 },
      keys: {
        ...mixed,
        findKey(domain, keyId, wrapped) {
          if (keyId !== 'away') return mixed.findKey(domain, keyId, wrapped);
          throw new CodecError('CODEC_KEY_UNAVAILABLE', 'away', { retryable: true });
        },
      },
    });
    const [good = {}] = await codec.encode([jsonPayload(1)]);
    const [bomb = {}] = await createCodec(options).encode([jsonPayload('x'.repeat(5000))]);
    const having = (name: string, value: string): Payload => ({
      ...good,
      metadata: { ...good.metadata, [name]: Buffer.from(value) },
    });
    await codec.decodeEach([
      good,
      jsonPayload('plain'),
      bomb,
      having('encryption-key-id', 'k9'),
      having('encryption-key-id', 'away'),
      having('encryption-domain', 'hunter2'),
      having('encryption-namespace', 'hunter2'),
    ]);
    await expect(codec.decode([jsonPayload('plain')])).rejects.toBeDefined();
    const metrics = { decodeFailed: (failure: object) => failures.push(failure), keyWaited: () => undefined };
    const encryption = createEncryptionCodec({ ...options, metrics });
    await expect(encryption.decode([jsonPayload('plain')])).rejects.toBeDefined();
    expect(failures).toHaveLength(8);
    expect(failures).toEqual(
      expect.arrayContaining([
        { code: 'CODEC_PLAIN_REFUSED', domain: 'unknown' },
        { code: 'CODEC_TOO_LARGE', domain: 'dispatch' },
        { code: 'CODEC_KEY_UNKNOWN', domain: 'dispatch' },
        { code: 'CODEC_KEY_UNAVAILABLE', domain: 'dispatch' },
        { code: 'CODEC_KEY_UNKNOWN', domain: 'unknown' },
        { code: 'CODEC_NAMESPACE_FOREIGN', domain: 'dispatch' },
      ]),
    );
    expect(waits).toEqual([{ outcome: 'failed' }]);
  });
});

describe('payloads whose key is away', () => {
  const away = () => new CodecError('CODEC_KEY_UNAVAILABLE', 'away', { retryable: true });
  const context = { namespace: 'prod', workflowId: 'w' };
  const codecAway = (more: Partial<CodecOptions> = {}) =>
    createCodec({ ...options, keys: { ...mixed, findKey: () => Promise.reject(away()) }, ...more });

  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    const left = jest.getTimerCount();
    jest.useRealTimers();
    if (left > 0) throw new Error(`${left} timers are left behind`);
  });

  test.each<[string, SerializationContext | undefined, Partial<CodecOptions>, number]>([
    ['of an activity', { type: 'activity', ...context, isLocal: false }, {}, 30_000],
    ['of nobody knows what', undefined, {}, 30_000],
    ['of a workflow task', { type: 'workflow', ...context }, {}, 5000],
    [
      'of a workflow task, where less is allowed',
      { type: 'workflow', ...context },
      { maxKeyWaitMs: 1000 },
      1000,
    ],
    ['of a codec server', undefined, { maxKeyWaitMs: 0 }, 0],
  ])('%s fail after a while', async (_, given, more, waitMs) => {
    const [encoded = {}] = await createCodec(options).encode([jsonPayload(1)]);
    const startedAt = performance.now();
    const failed = codecAway(more)
      .decode([encoded, encoded], given)
      .then(
        () => 'decoded',
        (error: unknown) => [error, performance.now() - startedAt],
      );
    await jest.advanceTimersByTimeAsync(40_000);
    expect(await failed).toEqual([away(), waitMs]);
  });

  test('are given up at once by a process that stops', async () => {
    const stop = new AbortController();
    const [encoded = {}] = await createCodec(options).encode([jsonPayload(1)]);
    const failed = codecAway({ signal: stop.signal }).decodeEach([encoded]);
    await jest.advanceTimersByTimeAsync(1000);
    stop.abort();
    await jest.advanceTimersByTimeAsync(0);
    expect(await failed).toMatchObject([{ kind: 'failed', error: { retryable: true } }]);
  });

  test('do not wait where the option is none', () => {
    for (const maxKeyWaitMs of [-1, Number.NaN])
      expect(() => codecAway({ maxKeyWaitMs })).toThrow(
        expect.objectContaining({ code: 'CODEC_OPTIONS_INVALID' }),
      );
  });
});
