import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createCodec } from '../codecs/create-codec.ts';
import { createEncryptionCodec } from '../codecs/encryption-codec.ts';
import { readEnvelope } from '../codecs/envelope.ts';
import { CodecError } from '../contract/errors.ts';
import {
  createMemorySource as sourceOf,
  keyRefused as denied,
  sourceAway as away,
} from '../testing/memory-source.ts';
import { jsonPayload, plain } from '../testing/payloads.ts';
import { createCodecMetrics } from '../telemetry/codec-metrics.ts';
import { createKey } from './codec-key.ts';
import {
  createEnvelopeKeyRing,
  type EnvelopeKeyRing,
  type EnvelopeKeyRingOptions,
} from './envelope-key-ring.ts';
import type { EnvelopeKeySource } from './envelope-key-source.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const rings: EnvelopeKeyRing[] = [];
async function ringOf(
  source: EnvelopeKeySource,
  options: Partial<EnvelopeKeyRingOptions> = {},
): Promise<EnvelopeKeyRing> {
  const ring = await createEnvelopeKeyRing({
    namespace: 'prod',
    domains: { dispatch: { active: source } },
    random: () => 0,
    ...options,
  });
  rings.push(ring);
  return ring;
}
const codecOf = (keys: EnvelopeKeyRing, domain = 'dispatch', namespace = 'prod') =>
  createEncryptionCodec({ keys, namespace, domain });
const wrappedOf = (ring: EnvelopeKeyRing): string =>
  Buffer.from(ring.activeKey('dispatch').wrapped ?? []).toString();
/** Makes wrapped data keys that another process encrypts with. */
const foreignKeys = async (source: EnvelopeKeySource, count: number): Promise<Uint8Array[]> => {
  const signal = new AbortController().signal;
  const binding = { namespace: 'prod', domain: 'dispatch' };
  return Promise.all(
    Array.from({ length: count }, async () => (await source.generateDataKey(binding, signal)).wrapped),
  );
};
const find = async (ring: EnvelopeKeyRing, wrapped: Uint8Array | null, keyId = 'kms', domain = 'dispatch') =>
  ring.findKey(domain, keyId, wrapped);
const codeOf = async (promise: Promise<unknown>): Promise<unknown> => {
  const error: unknown = await promise.then(
    () => 'no error',
    (reason: unknown) => reason,
  );
  return error instanceof CodecError ? error.code : error;
};

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  for (const ring of rings.splice(0)) ring.close();
  const left = jest.getTimerCount();
  jest.useRealTimers();
  if (left > 0) throw new Error(`${left} timers are left behind`);
});

describe('the active data key', () => {
  test('is in memory before there is a ring, and travels with what it encrypts', async () => {
    const source = sourceOf('kms');
    const ring = await ringOf(source);
    const [payload] = await codecOf(ring).encode([jsonPayload('hello')]);
    const envelope = readEnvelope(payload ?? {});
    expect(envelope).toMatchObject({ keyId: 'kms', namespace: 'prod', domain: 'dispatch' });
    expect(Buffer.from(envelope?.wrappedKey ?? []).toString()).toBe('kms:0');
    expect((await codecOf(ring).decode([payload ?? {}])).map(plain)).toEqual([plain(jsonPayload('hello'))]);
    expect(source).toMatchObject({ generated: 1, unwrapped: 0 });
  });

  test.each([
    ['is away', away(), 'CODEC_KEY_UNAVAILABLE'],
    ['refuses', denied(), 'CODEC_KEY_REFUSED'],
    ['fails strangely', new TypeError('hunter2'), 'CODEC_KEY_UNAVAILABLE'],
  ])('does not exist if its source %s at first: there is no ring', async (_, trouble, code) => {
    const source = sourceOf('kms');
    source.trouble = () => trouble;
    const error = await ringOf(source).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code });
    expect(String(error)).not.toContain('hunter2');
  });

  test('is waited for only so long', async () => {
    const source = sourceOf('kms');
    source.trouble = () => new Promise(() => {});
    const outcome = codeOf(ringOf(source, { timeoutMs: 700 }));
    await jest.advanceTimersByTimeAsync(700);
    expect(await outcome).toBe('CODEC_KEY_UNAVAILABLE');
  });

  test('is replaced within its window, and what it encrypted is decrypted without its source', async () => {
    const source = sourceOf('kms');
    const replaced: string[] = [];
    const ring = await ringOf(source, { onRotation: (domain) => replaced.push(domain) });
    const before = await codecOf(ring).encode([jsonPayload(1)]);
    await jest.advanceTimersByTimeAsync(HOUR - 2000);
    expect(wrappedOf(ring)).toBe('kms:0');
    await jest.advanceTimersByTimeAsync(3000);
    expect(wrappedOf(ring)).toBe('kms:1');
    expect(replaced).toEqual(['dispatch']);
    expect((await codecOf(ring).decode(before)).map(plain)).toEqual([plain(jsonPayload(1))]);
    expect(source.unwrapped).toBe(0);
  });

  test('is replaced at different moments by processes that started together', async () => {
    const ages = await Promise.all(
      [0, 0.5, 1].map(async (random) => {
        const source = sourceOf('kms');
        let age = Number.NaN;
        const startedAt = performance.now();
        await ringOf(source, {
          random: () => random,
          onRotation: () => (age = performance.now() - startedAt),
        });
        return () => Math.round(age / MINUTE);
      }),
    );
    await jest.advanceTimersByTimeAsync(HOUR + 1000);
    expect(ages.map((age) => age())).toEqual([60, 57, 54]);
  });

  test('is replaced when it has encrypted enough payloads, counted one by one', async () => {
    const ring = await ringOf(sourceOf('kms'), { maxEncryptions: 10 });
    const codec = codecOf(ring);
    await codec.encode(Array.from({ length: 8 }, () => jsonPayload(1)));
    await jest.advanceTimersByTimeAsync(2000);
    expect(wrappedOf(ring)).toBe('kms:0');
    await codec.encode([jsonPayload(1), jsonPayload(2)]);
    await jest.advanceTimersByTimeAsync(2000);
    expect(wrappedOf(ring)).toBe('kms:1');
  });

  test('is asked for once at a time, however slow its source is', async () => {
    const source = sourceOf('kms');
    const ring = await ringOf(source, { timeoutMs: 20_000 });
    source.trouble = () => new Promise((resolve) => setTimeout(resolve, 15_000));
    await jest.advanceTimersByTimeAsync(HOUR + 10_000);
    expect(source).toMatchObject({ generated: 2, waiting: 1 });
    await jest.advanceTimersByTimeAsync(6000);
    expect(wrappedOf(ring)).toBe('kms:1');
  });

  test.each(['away', 'denied', 'silent'] as const)(
    'goes on encrypting when its source is %s for ten minutes, and is replaced when it is back',
    async (kind) => {
      const source = sourceOf('kms');
      const problems: { at: number; error: CodecError; domain: string }[] = [];
      const replaced: string[] = [];
      const ring = await ringOf(source, {
        onProblem: (error, domain) => problems.push({ at: performance.now(), error, domain }),
        onRotation: (domain) => replaced.push(domain),
      });
      const codec = codecOf(ring);
      await jest.advanceTimersByTimeAsync(HOUR - 5000);
      source.trouble = () =>
        kind === 'silent' ? new Promise(() => {}) : kind === 'away' ? away() : denied();
      const encoded = [];
      for (let second = 0; second < 600; second++) {
        encoded.push(...(await codec.encode([jsonPayload({ second })])));
        await jest.advanceTimersByTimeAsync(1000);
      }
      expect(encoded).toHaveLength(600);
      expect(
        new Set(encoded.map((payload) => Buffer.from(readEnvelope(payload)?.wrappedKey ?? []).toString())),
      ).toEqual(new Set(['kms:0']));
      expect((await codec.decode(encoded)).length).toBe(600);
      expect(problems.length).toBeGreaterThanOrEqual(9);
      expect(problems.length).toBeLessThanOrEqual(10);
      for (const [index, { at, error, domain }] of problems.entries()) {
        expect(domain).toBe('dispatch');
        expect(error.message).toMatch(
          /^The data key of the domain dispatch cannot be replaced, so the old one goes on/,
        );
        expect(error).toMatchObject({ keyId: 'kms', retryable: kind !== 'denied' });
        if (index > 0) expect(at - (problems[index - 1]?.at ?? 0)).toBeGreaterThanOrEqual(MINUTE);
      }
      // Asked again and again, but not in a storm.
      expect(source.generated).toBeGreaterThan(15);
      expect(source.generated).toBeLessThan(40);
      source.trouble = () => undefined;
      await jest.advanceTimersByTimeAsync(36_000);
      expect(replaced).toEqual(['dispatch']);
      expect(wrappedOf(ring)).not.toBe('kms:0');
      const after = await codec.encode([jsonPayload('after')]);
      expect((await codec.decode([...encoded, ...after])).map(plain).at(-1)).toEqual(
        plain(jsonPayload('after')),
      );
    },
  );

  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('a listener');
      },
    ],
    ['rejects', async () => Promise.reject(new Error('a listener'))],
  ])('is not harmed by a listener that %s', async (_, fail) => {
    const source = sourceOf('kms');
    const ring = await ringOf(source, { onProblem: fail, onRotation: fail });
    source.trouble = () => away();
    await jest.advanceTimersByTimeAsync(HOUR + 5000);
    source.trouble = () => undefined;
    await jest.advanceTimersByTimeAsync(HOUR);
    expect(wrappedOf(ring)).toBe('kms:1');
  });

  test('encrypts for no other namespace than its own', async () => {
    const ring = await ringOf(sourceOf('kms'));
    expect(ring.namespace).toBe('prod');
    expect(() => codecOf(ring, 'dispatch', 'test')).toThrow(
      expect.objectContaining({ code: 'CODEC_OPTIONS_INVALID' }),
    );
  });

  test('stays for good once the ring is closed', async () => {
    const ring = await ringOf(sourceOf('kms'));
    ring.close();
    await jest.advanceTimersByTimeAsync(3 * HOUR);
    expect(wrappedOf(ring)).toBe('kms:0');
  });

  test('is one of the domain: a payload of another process decrypts, that of another domain or namespace does not', async () => {
    const [source, other] = [sourceOf('kms'), sourceOf('kms')];
    const domains = { dispatch: { active: source }, health: { active: source } };
    const [here, there] = await Promise.all([ringOf(source, { domains }), ringOf(source, { domains })]);
    expect(here.domains).toEqual(['dispatch', 'health']);
    const [payload] = await codecOf(there, 'health').encode([jsonPayload('pulse')]);
    expect((await codecOf(here).decode([payload ?? {}])).map(plain)).toEqual([plain(jsonPayload('pulse'))]);
    const wrapped = readEnvelope(payload ?? {})?.wrappedKey ?? null;
    expect(await codeOf(find(here, wrapped, 'kms', 'dispatch'))).toBe('CODEC_KEY_REFUSED');
    expect(await codeOf(find(await ringOf(source, { namespace: 'test' }), wrapped, 'kms'))).toBe(
      'CODEC_KEY_REFUSED',
    );
    expect(await codeOf(find(await ringOf(other), wrapped, 'kms', 'health'))).toBe('CODEC_KEY_UNKNOWN');
  });
});

describe('a wrapped data key', () => {
  test('is unwrapped once, whoever asks meanwhile and later', async () => {
    const source = sourceOf('kms');
    const ring = await ringOf(source);
    const [wrapped = null] = await foreignKeys(source, 1);
    const found = await Promise.all(Array.from({ length: 50 }, () => find(ring, wrapped)));
    expect(new Set(found).size).toBe(1);
    expect(ring.findKey('dispatch', 'kms', wrapped)).toBe(found[0]);
    expect(source.unwrapped).toBe(1);
  });

  test('that is refused is not asked for again for half a minute', async () => {
    const source = sourceOf('kms');
    const ring = await ringOf(source);
    const forged = Buffer.from('forged');
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => codeOf(find(ring, forged))));
    expect(new Set(outcomes)).toEqual(new Set(['CODEC_KEY_REFUSED']));
    await jest.advanceTimersByTimeAsync(29_000);
    await codeOf(find(ring, forged));
    expect(source.unwrapped).toBe(1);
    await jest.advanceTimersByTimeAsync(2000);
    await codeOf(find(ring, forged));
    expect(source.unwrapped).toBe(2);
  });

  test('whose source is away is asked for again after a second, and waits for nobody meanwhile', async () => {
    const source = sourceOf('kms');
    const ring = await ringOf(source);
    const [wrapped = null] = await foreignKeys(source, 1);
    source.trouble = () => away();
    expect(await find(ring, wrapped).catch((error: unknown) => error)).toMatchObject({ retryable: true });
    source.trouble = () => undefined;
    expect(await codeOf(find(ring, wrapped))).toBe('CODEC_KEY_UNAVAILABLE');
    expect(source.unwrapped).toBe(1);
    await jest.advanceTimersByTimeAsync(1000);
    expect(await find(ring, wrapped)).toMatchObject({ id: 'kms' });
  });

  test('is waited for only so long, also by those for whom there is no room yet', async () => {
    const source = sourceOf('kms');
    const ring = await ringOf(source, { timeoutMs: 2000 });
    const wrapped = await foreignKeys(source, 40);
    source.trouble = () => new Promise(() => {});
    const outcomes = Promise.all(wrapped.map((each) => codeOf(find(ring, each))));
    await jest.advanceTimersByTimeAsync(1999);
    expect(source.waiting).toBe(32);
    await jest.advanceTimersByTimeAsync(1);
    expect(new Set(await outcomes)).toEqual(new Set(['CODEC_KEY_UNAVAILABLE']));
    source.trouble = () => undefined;
    await jest.advanceTimersByTimeAsync(1000);
    expect(await Promise.all(wrapped.map((each) => find(ring, each)))).toHaveLength(40);
  });

  test('of a storm gets its turn', async () => {
    const source = sourceOf('kms');
    const ring = await ringOf(source);
    const wrapped = await foreignKeys(source, 300);
    let most = 0;
    source.trouble = () => {
      most = Math.max(most, source.waiting + 1);
      return new Promise((resolve) => setTimeout(resolve, 10));
    };
    const all = Promise.all(wrapped.map((each) => find(ring, each)));
    await jest.advanceTimersByTimeAsync(1000);
    expect(await all).toHaveLength(300);
    expect(most).toBe(32);
  });

  test('is forgotten when its time is over, and when too many came after it', async () => {
    const source = sourceOf('kms');
    const ring = await ringOf(source, { maxKeys: 3, keyLifetimeMs: 10 * MINUTE });
    const [a, b, c, d] = await foreignKeys(source, 4);
    for (const wrapped of [a, b, c, a, d]) await find(ring, wrapped ?? null);
    expect(source.unwrapped).toBe(4);
    await find(ring, a ?? null);
    expect(source.unwrapped).toBe(4);
    await find(ring, b ?? null);
    expect(source.unwrapped).toBe(5);
    await jest.advanceTimersByTimeAsync(10 * MINUTE);
    source.trouble = () => denied();
    expect(await codeOf(find(ring, a ?? null))).toBe('CODEC_KEY_REFUSED');
  });

  test('is not pushed out by forged ones', async () => {
    const source = sourceOf('kms');
    const ring = await ringOf(source, { maxKeys: 3 });
    const [good = null] = await foreignKeys(source, 1);
    await find(ring, good);
    for (let forged = 0; forged < 10; forged++) await codeOf(find(ring, Buffer.from(`forged ${forged}`)));
    const before = source.unwrapped;
    await find(ring, good);
    expect(source.unwrapped).toBe(before);
  });

  test.each([
    ['no wrapped key', null, 'kms', 'CODEC_CORRUPT'],
    ['one that is too long', new Uint8Array(6145), 'kms', 'CODEC_CORRUPT'],
    ['an unknown key', Buffer.from('kms:0'), 'k9', 'CODEC_KEY_UNKNOWN'],
  ])('%s is refused without asking', async (_, wrapped, keyId, code) => {
    const source = sourceOf('kms');
    const ring = await ringOf(source);
    const error = await find(ring, wrapped, keyId).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code, keyId, retryable: false });
    expect(source.unwrapped).toBe(0);
  });

  test('that turns out not to be a key of 32 bytes is refused', async () => {
    const source: EnvelopeKeySource = {
      ...sourceOf('kms'),
      unwrapDataKey: async () => new Uint8Array(16),
    };
    expect(await codeOf(find(await ringOf(source), Buffer.from('short')))).toBe('CODEC_KEY_REFUSED');
  });

  test('leaves no data key in clear in the bytes that the source gave', async () => {
    const source = sourceOf('kms');
    const seen: Uint8Array[] = [];
    const spy: EnvelopeKeySource = {
      ...source,
      generateDataKey: async (binding) => {
        const key = await source.generateDataKey(binding);
        seen.push(key.plaintext);
        return key;
      },
      unwrapDataKey: async (wrapped, binding) => {
        const key = await source.unwrapDataKey(wrapped, binding);
        seen.push(key);
        return key;
      },
    };
    const ring = await ringOf(spy);
    const [wrapped = null] = await foreignKeys(source, 1);
    await find(ring, wrapped);
    expect(seen).toHaveLength(2);
    for (const bytes of seen) expect(Buffer.from(bytes)).toEqual(Buffer.alloc(32));
  });
});

describe('keys from before', () => {
  test('decrypt: those of another source, and those of our own', async () => {
    const [now, before] = [sourceOf('kms-2'), sourceOf('kms-1')];
    const own = createKey('k1', createHash('sha256').update('k1').digest());
    const ring = await ringOf(now, { domains: { dispatch: { active: now, others: [before], keys: [own] } } });
    const [wrapped = null] = await foreignKeys(before, 1);
    expect(await find(ring, wrapped, 'kms-1')).toMatchObject({ id: 'kms-1', wrapped });
    expect(await find(ring, null, 'k1')).toBe(own);
    expect(before.generated).toBe(1);
  });

  test.each<[string, Partial<EnvelopeKeyRingOptions>]>([
    ['twins', { domains: { dispatch: { active: sourceOf('a'), others: [sourceOf('a')] } } }],
    ['a strange id', { domains: { dispatch: { active: sourceOf('a b') } } }],
    ['a strange domain', { domains: { 'a/b': { active: sourceOf('a') } } }],
    ['no namespace', { namespace: '' }],
    ['a window of 0', { windowMs: 0 }],
    ['a size that is no number', { maxKeys: Number.NaN }],
  ])('%s: there is no ring', async (_, options) => {
    expect(await codeOf(ringOf(sourceOf('a'), options))).toBe('CODEC_KEYS_INVALID');
  });
});

describe('a ring whose role may not make data keys', () => {
  const decodeOnly = (source: EnvelopeKeySource) =>
    ringOf(source, { domains: { dispatch: { others: [source] } } });

  test('decrypts, and asks for no data key of its own', async () => {
    const source = sourceOf('kms');
    const worker = await ringOf(source);
    const [payload = {}] = await codecOf(worker).encode([jsonPayload('hello')]);
    worker.close();
    source.trouble = (operation) => (operation === 'generate' ? denied() : undefined);
    const { generated } = source;
    const codec = createCodec({
      keys: await decodeOnly(source),
      namespace: 'prod',
      domain: 'dispatch',
      isDecodeOnly: true,
    });
    expect((await codec.decode([payload])).map(plain)).toEqual([plain(jsonPayload('hello'))]);
    await jest.advanceTimersByTimeAsync(2 * HOUR);
    expect(source.generated).toBe(generated);
  });

  test('encrypts nothing, and says so at the edge; no codec that encodes is created of it', async () => {
    const keys = await decodeOnly(sourceOf('kms'));
    expect(() => keys.activeKey('dispatch')).toThrow(expect.objectContaining({ code: 'CODEC_DECODE_ONLY' }));
    const options = { keys, namespace: 'prod', domain: 'dispatch' } as const;
    expect(() => createCodec(options)).toThrow(expect.objectContaining({ code: 'CODEC_DECODE_ONLY' }));
    const codec = createCodec({ ...options, isDecodeOnly: true });
    expect(codec.isDecodeOnly).toBe(true);
    await expect(codec.encode([jsonPayload('secret')])).rejects.toMatchObject({
      code: 'CODEC_DECODE_ONLY',
      retryable: false,
      message: expect.not.stringContaining('secret'),
    });
  });

  test('has to have some keys all the same', async () => {
    await expect(ringOf(sourceOf('kms'), { domains: { dispatch: {} } })).rejects.toMatchObject({
      code: 'CODEC_KEYS_INVALID',
    });
  });
});

describe('forged envelopes of one domain', () => {
  const forgedKeys = (count: number) => Array.from({ length: count }, (_, at) => Buffer.from(`forged ${at}`));

  test('hold up no other domain of the same source', async () => {
    const source = sourceOf('kms');
    const domains = { dispatch: { active: source }, health: { active: source } };
    const ring = await ringOf(source, { domains });
    const [payload = {}] = await codecOf(await ringOf(source, { domains }), 'health').encode([
      jsonPayload('pulse'),
    ]);
    // Requests of the attacker take as long as they may.
    source.trouble = () => (source.unwrapped > 32 ? undefined : new Promise(() => undefined));
    const forged = Promise.all(forgedKeys(2000).map((wrapped) => codeOf(find(ring, wrapped))));
    await jest.advanceTimersByTimeAsync(10);
    expect(source.waiting).toBe(32);
    const decoded = codecOf(ring, 'health').decode([payload]);
    await jest.advanceTimersByTimeAsync(10);
    expect((await decoded).map(plain)).toEqual([plain(jsonPayload('pulse'))]);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(await forged).toHaveLength(2000);
  });

  test('push no key of another domain out of memory, and none of their own', async () => {
    const source = sourceOf('kms');
    const domains = { dispatch: { active: source }, health: { active: source } };
    const ring = await ringOf(source, { domains, maxKeys: 10 });
    const other = await ringOf(source, { domains });
    const wrapped = (domain: string) => other.activeKey(domain).wrapped;
    for (const domain of ['dispatch', 'health']) await find(ring, wrapped(domain), 'kms', domain);
    const { unwrapped } = source;
    for (const forged of forgedKeys(500)) expect(await codeOf(find(ring, forged))).toBe('CODEC_KEY_REFUSED');
    for (const real of await foreignKeys(source, 9)) await find(ring, real);
    expect(source.unwrapped).toBe(unwrapped + 509);
    for (const domain of ['dispatch', 'health']) await find(ring, wrapped(domain), 'kms', domain);
    expect(source.unwrapped).toBe(unwrapped + 509);
  });
});

test('many payloads at once have one data key, and a service that wraps one into nothing is refused', async () => {
  const source = sourceOf('kms');
  const codec = codecOf(await ringOf(source));
  await Promise.all(Array.from({ length: 500 }, (_, at) => codec.encode([jsonPayload(at)])));
  expect(source.generated).toBe(1);
  const empty: EnvelopeKeySource = {
    ...source,
    generateDataKey: async () => ({ plaintext: new Uint8Array(32), wrapped: new Uint8Array(0) }),
  };
  expect(await codeOf(ringOf(empty))).toBe('CODEC_KEY_REFUSED');
});

test('a service that also unwraps variations of a wrapped key is asked for each, and holds up nothing', async () => {
  const source = sourceOf('kms');
  const [encoded = {}] = await codecOf(await ringOf(source)).encode([jsonPayload('hello')]);
  // Services ignore parts of what they wrapped, such as the number of a version.
  const malleable: EnvelopeKeySource = {
    ...source,
    unwrapDataKey: (wrapped, binding) =>
      source.unwrapDataKey(Buffer.from(Buffer.from(wrapped).toString().split('?')[0] ?? ''), binding),
  };
  const ring = await ringOf(malleable, { maxKeys: 5 });
  const codec = codecOf(ring);
  const own = await codec.encode([jsonPayload('own')]);
  for (let at = 0; at < 20; at++) {
    const wrapped = Buffer.from(`kms:0?${at}`);
    const varied = { ...encoded, metadata: { ...encoded.metadata, 'encryption-dek': wrapped } };
    expect((await codec.decode([varied])).map(plain)).toEqual([plain(jsonPayload('hello'))]);
  }
  const { unwrapped } = source;
  expect((await codec.decode(own)).map(plain)).toEqual([plain(jsonPayload('own'))]);
  expect(source.unwrapped).toBe(unwrapped);
});

test('a data key outlives an outage in which its lifetime ends', async () => {
  const source = sourceOf('kms');
  const ring = await ringOf(source);
  const [wrapped = null] = await foreignKeys(source, 1);
  const key = await find(ring, wrapped);
  await jest.advanceTimersByTimeAsync(55 * MINUTE);
  source.trouble = () => away();
  for (let minute = 0; minute < 10; minute++) {
    await jest.advanceTimersByTimeAsync(MINUTE);
    expect(await find(ring, wrapped)).toBe(key);
  }
  await jest.advanceTimersByTimeAsync(6 * MINUTE);
  expect(await codeOf(find(ring, wrapped))).toBe('CODEC_KEY_UNAVAILABLE');
});

test('requests to a source, and rotations, are counted', async () => {
  const counts: Record<string, number> = {};
  const metrics = createCodecMetrics({
    createCounter: (name) => ({
      add(value, attributes) {
        const at = `${name} ${Object.values(attributes).join(' ')}`;
        counts[at] = (counts[at] ?? 0) + value;
      },
    }),
  });
  const source = sourceOf('kms');
  const ring = await ringOf(source, { metrics });
  const [wrapped = null] = await foreignKeys(source, 1);
  await find(ring, wrapped);
  await codeOf(find(ring, Buffer.from('forged')));
  await jest.advanceTimersByTimeAsync(HOUR + 2000);
  expect(counts).toEqual({
    'heliograph_codec_key_requests kms generate succeeded': 2,
    'heliograph_codec_key_requests kms unwrap succeeded': 1,
    'heliograph_codec_key_requests kms unwrap CODEC_KEY_REFUSED': 1,
    'heliograph_codec_key_rotations dispatch': 1,
  });
});
