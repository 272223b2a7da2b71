import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type KmsDouble,
  kmsKey,
  startKmsDouble,
  startVaultDouble,
  transitKey,
  type VaultDouble,
} from '@heliograph/simulators';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createMemorySource, sourceAway } from '../testing/memory-source.ts';
import { createAwsKmsSource } from './aws-kms-source.ts';
import type { EnvelopeKeySource } from './envelope-key-source.ts';
import { rewrapDataKey } from './rewrap-data-key.ts';
import { createVaultSource, type VaultOptions } from './vault-source.ts';

const REGION = 'eu-central-1';
const arnOf = (key: string): string => `arn:aws:kms:${REGION}:111122223333:key/${key}`;
const credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const binding = { namespace: 'prod', domain: 'dispatch' };
const others = [
  { namespace: 'prod', domain: 'health' },
  { namespace: 'test', domain: 'dispatch' },
];
const within = () => AbortSignal.timeout(5000);

let kms: KmsDouble;
let vault: VaultDouble;
let folder: string;
const environment = { ...process.env };
beforeEach(async () => {
  Object.assign(process.env, { AWS_CONFIG_FILE: '/nowhere', AWS_SHARED_CREDENTIALS_FILE: '/nowhere' });
  process.env['AWS_ACCESS_KEY_ID'] = credentials.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = credentials.secretAccessKey;
  kms = await startKmsDouble(REGION, credentials);
  kms.keys.push(kmsKey(arnOf('a')), kmsKey(arnOf('b')));
  vault = await startVaultDouble();
  vault.keys.set('payloads', transitKey()).set('others', transitKey()).set('flat', transitKey(false));
  vault.tokens.set('t0k3n', { allows: () => true });
  folder = await mkdtemp(join(tmpdir(), 'codec-rewrap-'));
  await writeFile(join(folder, 'token'), 't0k3n');
});
afterEach(async () => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  Object.assign(process.env, environment);
  await Promise.all([kms.close(), vault.close(), rm(folder, { recursive: true })]);
});

const kmsSource = (key: string) =>
  createAwsKmsSource({ id: 'kms', keyId: arnOf(key), endpoint: kms.address });
const vaultSource = (keyName = 'payloads', options: Partial<VaultOptions> = {}) =>
  createVaultSource({
    id: 'vault',
    address: vault.address,
    keyName,
    tokenFile: join(folder, 'token'),
    ...options,
  });
const make = async (source: EnvelopeKeySource) => {
  const { plaintext, wrapped } = await source.generateDataKey(binding, within());
  return { plaintext: Buffer.from(plaintext), wrapped };
};
/** What a source makes of a wrapped data key; a code where it refuses. */
const open = (source: EnvelopeKeySource, wrapped: Uint8Array, bound = binding): Promise<unknown> =>
  source.unwrapDataKey(wrapped, bound, within()).then(
    (plaintext) => Buffer.from(plaintext),
    (error: { code: unknown }) => error.code,
  );
const operations = (): readonly string[] => [
  ...kms.requests.map(({ headers }) => String(headers['x-amz-target']).split('.')[1] ?? ''),
  ...vault.requests.map(({ url }) => url.split('/').slice(3, -1).join('/')),
];
const forget = (): void => {
  kms.requests.splice(0);
  vault.requests.splice(0);
};

describe('a data key is wrapped anew', () => {
  test('by another key of KMS, without being seen', async () => {
    const [from, to] = [await kmsSource('a'), await kmsSource('b')];
    const { plaintext, wrapped } = await make(from);
    forget();
    const anew = await rewrapDataKey({ wrapped, binding, from, to });
    expect(operations()).toEqual(['ReEncrypt']);
    expect(JSON.parse(kms.requests[0]?.body ?? '')).toEqual({
      CiphertextBlob: Buffer.from(wrapped).toString('base64'),
      SourceKeyId: arnOf('a'),
      SourceEncryptionContext: binding,
      DestinationKeyId: arnOf('b'),
      DestinationEncryptionContext: binding,
    });
    expect(await open(to, anew)).toEqual(plaintext);
    expect(await open(from, anew)).toBe('CODEC_KEY_REFUSED');
    for (const other of others) expect(await open(to, anew, other)).toBe('CODEC_KEY_REFUSED');
  });

  test('by the newest version of a key of Vault, without being seen', async () => {
    const source = vaultSource();
    const { plaintext, wrapped } = await make(source);
    const key = vault.keys.get('payloads');
    key?.versions.push(Buffer.alloc(32, 2));
    forget();
    const anew = await rewrapDataKey({ wrapped, binding, from: vaultSource(), to: source });
    expect(operations()).toEqual(['rewrap', 'rewrap']);
    expect(Buffer.from(anew).toString()).toMatch(/^vault:v2:/);
    if (key !== undefined) key.minDecryptionVersion = 2;
    expect(await open(source, anew)).toEqual(plaintext);
    expect(await open(source, wrapped)).toBe('CODEC_KEY_REFUSED');
    for (const other of others) expect(await open(source, anew, other)).toBe('CODEC_KEY_REFUSED');
  });

  test.each<[string, () => Promise<readonly [EnvelopeKeySource, EnvelopeKeySource]>, readonly string[]]>([
    [
      'from KMS to Vault',
      async () => [await kmsSource('a'), vaultSource()],
      ['Decrypt', 'encrypt', 'encrypt'],
    ],
    [
      'from Vault to KMS',
      async () => [vaultSource(), await kmsSource('a')],
      ['Encrypt', 'decrypt', 'decrypt'],
    ],
    [
      'by another key of Vault',
      async () => [vaultSource(), vaultSource('others')],
      ['decrypt', 'decrypt', 'encrypt', 'encrypt'],
    ],
    [
      'by a source of another kind',
      async () => [vaultSource(), createMemorySource('memory')],
      ['decrypt', 'decrypt'],
    ],
  ])('%s', async (_, sources, requests) => {
    const { plaintext, wrapped } = await make((await sources())[0]);
    // Others, which have proved nothing about their keys yet.
    const [from, to] = await sources();
    forget();
    const anew = await rewrapDataKey({ wrapped, binding, from, to });
    expect(operations()).toEqual(requests);
    expect(await open(to, anew)).toEqual(plaintext);
    for (const other of others) expect(await open(to, anew, other)).toBe('CODEC_KEY_REFUSED');
  });
});

describe('a data key is not wrapped anew', () => {
  const rewrap = (from: EnvelopeKeySource, to: EnvelopeKeySource, wrapped: Uint8Array, bound = binding) =>
    rewrapDataKey({ wrapped, binding: bound, from, to, timeoutMs: 1000 });

  test.each(others)('for %j, which it was not made for', async (bound) => {
    const [a, b, source] = [await kmsSource('a'), await kmsSource('b'), vaultSource()];
    const [ofKms, ofVault] = [await make(a), await make(source)];
    await expect(rewrap(a, b, ofKms.wrapped, bound)).rejects.toMatchObject({ code: 'CODEC_KEY_REFUSED' });
    await expect(rewrap(source, source, ofVault.wrapped, bound)).rejects.toMatchObject({
      code: 'CODEC_KEY_REFUSED',
    });
  });

  test.each(['ReEncryptFrom', 'ReEncryptTo'])('by KMS without %s', async (denied) => {
    const [a, b] = [await kmsSource('a'), await kmsSource('b')];
    const { wrapped } = await make(a);
    for (const key of kms.keys) key.allows = (operation) => operation !== denied;
    await expect(rewrap(a, b, wrapped)).rejects.toMatchObject({ code: 'CODEC_KEY_REFUSED' });
  });

  test('by a source that is not the one that wrapped it', async () => {
    const [a, b] = [await kmsSource('a'), await kmsSource('b')];
    const { wrapped } = await make(a);
    await expect(rewrap(b, b, wrapped)).rejects.toMatchObject({ code: 'CODEC_KEY_REFUSED' });
    const anew = await rewrap(a, a, wrapped);
    expect(await open(a, anew)).toBeInstanceOf(Buffer);
  });

  test('by a key of Vault that is not derived', async () => {
    const from = createMemorySource('memory');
    const { wrapped } = await make(from);
    await expect(rewrap(from, vaultSource('flat'), wrapped)).rejects.toMatchObject({
      code: 'CODEC_KEY_REFUSED',
      message: expect.stringContaining('not derived'),
    });
    await expect(rewrap(from, vaultSource('missing'), wrapped)).rejects.toMatchObject({
      message: expect.stringContaining('no such key'),
    });
    const { versions } = vault.keys.get('flat') ?? { versions: [] };
    expect(versions).toHaveLength(1);
    const flat = vaultSource('flat');
    await expect(rewrap(flat, flat, Buffer.from('vault:v1:AAAA'))).rejects.toMatchObject({
      code: 'CODEC_KEY_REFUSED',
    });
  });

  test('by a token of Vault that may not rewrap', async () => {
    const source = vaultSource();
    const { wrapped } = await make(source);
    vault.tokens.set('t0k3n', { allows: (path) => !path.includes('rewrap') });
    await expect(rewrap(source, source, wrapped)).rejects.toMatchObject({ code: 'CODEC_KEY_REFUSED' });
  });

  test('into a size that is no usable one', async () => {
    const from = createMemorySource('memory');
    const { wrapped } = await make(from);
    for (const size of [0, 6145]) {
      const to = { ...createMemorySource('other'), wrapDataKey: async () => new Uint8Array(size) };
      await expect(rewrap(from, to, wrapped)).rejects.toMatchObject({ code: 'CODEC_KEY_REFUSED' });
    }
  });

  test('while a source is away or silent, and its bytes in clear are overwritten', async () => {
    const seen: Uint8Array[] = [];
    const from = createMemorySource('memory');
    const { wrapped } = await make(from);
    const watched: EnvelopeKeySource = {
      ...from,
      async unwrapDataKey(given, bound) {
        const plaintext = await from.unwrapDataKey(given, bound);
        seen.push(plaintext);
        return plaintext;
      },
    };
    const to = createMemorySource('other');
    to.trouble = () => sourceAway();
    await expect(rewrap(watched, to, wrapped)).rejects.toMatchObject({ code: 'CODEC_KEY_UNAVAILABLE' });
    to.trouble = () => new Promise(() => undefined);
    await expect(rewrap(watched, to, wrapped)).rejects.toMatchObject({ code: 'CODEC_KEY_UNAVAILABLE' });
    expect(seen).toHaveLength(2);
    for (const bytes of seen) expect(Buffer.from(bytes)).toEqual(Buffer.alloc(32));
  });

  test('where KMS is in another region: it is unwrapped and wrapped', async () => {
    const a = await kmsSource('a');
    const far = await createAwsKmsSource({
      id: 'kms',
      keyId: arnOf('b'),
      region: 'eu-west-1',
      endpoint: kms.address,
    });
    await expect(far.rewrapDataKey(new Uint8Array(9), a, binding, within())).resolves.toBeNull();
  });
});
