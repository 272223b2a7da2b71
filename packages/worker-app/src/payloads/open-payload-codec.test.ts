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

async function open(
  env: Env,
  options: { domain?: string | undefined; workflowBundle?: { code: string } } = {},
) {
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
    openKeyRing: async () => parseKeyRing(RING),
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

test('compression is a setting', async () => {
  const long = plain('again '.repeat(200));
  const sizeOf = async (env: Env) =>
    (await (await codecOf({ ...WITH_KEYS, ...env })).encode([long]))[0]?.data?.length;
  expect(await sizeOf({})).toBeLessThan(500);
  expect(await sizeOf({ HELIOGRAPH_CODEC_COMPRESSION: 'false' })).toBeGreaterThan(1200);
  expect(await sizeOf({ HELIOGRAPH_CODEC_COMPRESSION_MIN_BYTES: '5000' })).toBeGreaterThan(1200);
});
