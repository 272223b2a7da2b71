import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { parseKeyRing } from '@heliograph/codec/codecs';
import { metrics } from '@opentelemetry/api';
import { createLogger, type Env } from '@heliograph/service';
import { tinyConverter } from '../testing/tiny-codec.ts';
import { openPayloadCodec } from './open-payload-codec.ts';

const RING = JSON.stringify({
  domains: {
    dispatch: { active: 'k1', keys: [{ id: 'k1', key: Buffer.alloc(32, 7).toString('base64url') }] },
  },
});
const WITH_KEYS = { HELIOGRAPH_CODEC_KEYS: RING };
/** As much of a bundle as is asked: what its workflows make of a failure. */
const FIT = {
  code: `var __TEMPORAL__ = { api: { initRuntime() {
    const encoded = { encodedAttributes: {}, message: 'Encoded failure' };
    globalThis.__TEMPORAL_ACTIVATOR__ = { errorToFailure: () => ({ ...encoded, cause: encoded }) };
  } } };`,
};

async function open(env: Env, options: Partial<Parameters<typeof openPayloadCodec>[0]> = {}) {
  const lines: string[] = [];
  const addEncryption = await openPayloadCodec({
    domain: 'dispatch',
    env: { HELIOGRAPH_TEMPORAL_ADDRESS: 'temporal:7233', HELIOGRAPH_TEMPORAL_NAMESPACE: 'ns', ...env },
    logger: createLogger({
      name: 'test',
      level: 'info',
      destination: { write: (line) => void lines.push(line) },
    }),
    telemetry: { meter: metrics.getMeter('test') },
    draining: new AbortController().signal,
    openKeyRing: async () => parseKeyRing(env['HELIOGRAPH_CODEC_KEYS'] ?? RING),
    storesLarge: true,
    openStoredPayloads: async () => null,
    ...options,
  });
  return { addEncryption, lines };
}

const plain = (text: string) => ({
  metadata: { encoding: Buffer.from('json/plain') },
  data: Buffer.from(JSON.stringify(text)),
});

/** What the codecs of a converter make of a payload, one after the other. */
async function codecOf(env: Env) {
  const { addEncryption } = await open(env);
  const [codec] = addEncryption(undefined)?.payloadCodecs ?? [];
  if (codec === undefined) throw new Error('there is no codec');
  return codec;
}

const encodingOf = (payload: { metadata?: Record<string, Uint8Array> | null } | undefined): string =>
  Buffer.from(payload?.metadata?.['encoding'] ?? []).toString();

describe('a process', () => {
  test('without a domain encrypts nothing, and reads no variable about it', async () => {
    const { addEncryption } = await open({ HELIOGRAPH_CODEC_MODE: 'no such mode' }, { domain: undefined });
    expect(addEncryption(undefined)).toBeUndefined();
    expect(addEncryption(tinyConverter)).toBe(tinyConverter);
  });

  test('without keys stores payloads in clear if that is said by name, with one warning', async () => {
    const { addEncryption, lines } = await open({ HELIOGRAPH_CODEC_MODE: 'off' });
    expect(addEncryption(undefined)).toBeUndefined();
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'warn', message: 'payloads are stored in clear: HELIOGRAPH_CODEC_MODE is off' },
    ]);
  });

  test('whose ring lacks its domain does not start', async () => {
    await expect(open(WITH_KEYS, { domain: 'health' })).rejects.toThrow(/no keys of the domain health/);
  });

  test('whose workflow bundle would store failures in clear does not start', async () => {
    await expect(open(WITH_KEYS, { workflowBundle: { code: '' } })).rejects.toMatchObject({
      code: 'CODEC_BUNDLE_UNFIT',
    });
    await expect(open(WITH_KEYS, { workflowBundle: FIT })).resolves.toBeDefined();
  });

  test('encrypts after the codecs of the app', async () => {
    const { addEncryption, lines } = await open(WITH_KEYS);
    expect(addEncryption(tinyConverter)?.payloadCodecs).toEqual([
      tinyConverter.payloadCodecs?.[0],
      expect.objectContaining({}),
    ]);
    expect(addEncryption(undefined)?.failureConverterPath).toMatch(/failure-converter/);
    expect(lines).toEqual([]);
  });
});

describe('the mode', () => {
  test('strict, the default, reads nothing plain', async () => {
    const codec = await codecOf(WITH_KEYS);
    const encoded = await codec.encode([plain('a')]);
    expect(encodingOf(encoded[0])).toBe('binary/encrypted');
    await expect(codec.decode(encoded)).resolves.toMatchObject([{ data: Buffer.from('"a"') }]);
    await expect(codec.decode([plain('a')])).rejects.toMatchObject({ code: 'CODEC_PLAIN_REFUSED' });
  });

  test('permissive encrypts, and reads plain payloads as well', async () => {
    const codec = await codecOf({ ...WITH_KEYS, HELIOGRAPH_CODEC_MODE: 'permissive' });
    expect(encodingOf((await codec.encode([plain('a')]))[0])).toBe('binary/encrypted');
    await expect(codec.decode([plain('a')])).resolves.toEqual([plain('a')]);
  });

  test('off with keys writes plain payloads, and reads encrypted ones', async () => {
    const codec = await codecOf({ ...WITH_KEYS, HELIOGRAPH_CODEC_MODE: 'off' });
    await expect(codec.encode([plain('a')])).resolves.toEqual([plain('a')]);
    const encrypted = await (await codecOf(WITH_KEYS)).encode([plain('b')]);
    await expect(codec.decode(encrypted)).resolves.toMatchObject([{ data: Buffer.from('"b"') }]);
  });
});

describe('large payloads', () => {
  const CLAIMS = 'HELIOGRAPH_CODEC_CLAIMS';
  const ring = JSON.parse(RING) as { domains: { dispatch: { keys: object[] } } };
  const claimKey = { id: 'c1', key: Buffer.alloc(32, 8).toString('base64url'), use: 'claims' };
  ring.domains.dispatch.keys.push(claimKey);
  const WITH_CLAIM_KEY = { HELIOGRAPH_CODEC_KEYS: JSON.stringify(ring) };

  /** A store and a register that know what they were given, and nothing else. */
  function memory() {
    const objects = new Map<string, Uint8Array>();
    const unused = () => Promise.reject(new Error('not used here'));
    const store = {
      type: 'memory',
      put: async (name: string, bytes: Uint8Array) => objects.set(name, bytes) === objects,
      get: async (name: string) => {
        const bytes = objects.get(name);
        return bytes === undefined ? null : { bytes, version: '' };
      },
      replace: unused,
      remove: unused,
      list: unused,
    };
    const registry = {
      claim: async (id: string) => `${id}.${'0'.repeat(16)}`,
      currentNames: async (names: readonly string[]) => new Set(names),
      listOwners: unused,
      listFamilies: unused,
      observe: unused,
      disown: unused,
      condemn: unused,
      listCondemned: unused,
      forget: unused,
    };
    return { objects, openStoredPayloads: async () => ({ store, registry }) };
  }
  const random = plain(randomBytes(40_000).toString('base64'));
  const context = { type: 'workflow', namespace: 'ns', workflowId: 'w' } as const;
  const storedWith = async (env: Env, options: Partial<Parameters<typeof openPayloadCodec>[0]> = {}) => {
    const { objects, openStoredPayloads } = memory();
    const { addEncryption } = await open({ ...WITH_CLAIM_KEY, ...env }, { openStoredPayloads, ...options });
    const converter = addEncryption(undefined);
    await converter?.payloadCodecs?.[0]?.encode([random], context);
    return { count: objects.size, hasStorage: converter?.externalStorage !== undefined };
  };

  test('stay inline without the variable, and below the threshold, and in an app that does not store them', async () => {
    const below = { [CLAIMS]: 'postgres' };
    const threshold = { HELIOGRAPH_CODEC_CLAIMS_THRESHOLD_BYTES: '20000' };
    await expect(storedWith(threshold)).resolves.toEqual({ count: 0, hasStorage: false });
    await expect(storedWith(below)).resolves.toEqual({ count: 0, hasStorage: true });
    await expect(storedWith({ ...below, ...threshold }, { storesLarge: false })).resolves.toEqual({
      count: 0,
      hasStorage: false,
    });
  });

  test('are stored from the threshold on; with the mode off they are only read', async () => {
    const env = { [CLAIMS]: 'postgres', HELIOGRAPH_CODEC_CLAIMS_THRESHOLD_BYTES: '20000' };
    await expect(storedWith(env)).resolves.toEqual({ count: 1, hasStorage: true });
    await expect(storedWith({ ...env, HELIOGRAPH_CODEC_MODE: 'off' })).resolves.toEqual({
      count: 0,
      hasStorage: true,
    });
  });

  test('need a key that names them, and encryption', async () => {
    await expect(open({ ...WITH_KEYS, [CLAIMS]: 'postgres' })).rejects.toMatchObject({
      name: 'ConfigError',
      message: expect.stringMatching(
        /^HELIOGRAPH_CODEC_CLAIMS: the domain dispatch has no key .*"use":"claims"$/,
      ),
    });
    await expect(open({ HELIOGRAPH_CODEC_MODE: 'off', [CLAIMS]: 'postgres' })).rejects.toThrow(
      /^HELIOGRAPH_CODEC_CLAIMS: large payloads are stored encrypted; add keys$/,
    );
  });
});

test('compression is a setting', async () => {
  const long = plain('again '.repeat(200));
  const sizeOf = async (env: Env) =>
    (await (await codecOf({ ...WITH_KEYS, ...env })).encode([long]))[0]?.data?.length;
  expect(await sizeOf({})).toBeLessThan(500);
  expect(await sizeOf({ HELIOGRAPH_CODEC_COMPRESSION: 'false' })).toBeGreaterThan(1200);
  expect(await sizeOf({ HELIOGRAPH_CODEC_COMPRESSION_MIN_BYTES: '5000' })).toBeGreaterThan(1200);
});
