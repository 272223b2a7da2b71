import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { refuseAsVault, startVaultDouble, transitKey, type VaultDouble } from '@heliograph/simulators';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createEncryptionCodec } from '../codecs/encryption-codec.ts';
import { jsonPayload, plain } from '../testing/payloads.ts';
import { createEnvelopeKeyRing } from './envelope-key-ring.ts';
import { createVaultSource, type VaultOptions } from './vault-source.ts';

const TOKEN = 'hvs.CAESIexample';
const binding = { namespace: 'prod', domain: 'dispatch' };
const context = Buffer.from('dispatch/prod').toString('base64');

let vault: VaultDouble;
let folder: string;
let tokenFile: string;
beforeEach(async () => {
  vault = await startVaultDouble();
  vault.keys.set('payloads', transitKey());
  vault.tokens.set(TOKEN, { allows: () => true });
  folder = await mkdtemp(join(tmpdir(), 'codec-vault-'));
  tokenFile = join(folder, 'token');
  await writeFile(tokenFile, `${TOKEN}\n`);
});
afterEach(async () => {
  await vault.close();
  await rm(folder, { recursive: true });
});

const sourceOf = (options: Partial<VaultOptions> = {}) =>
  createVaultSource({ id: 'vault', address: vault.address, keyName: 'payloads', tokenFile, ...options });
const within = (ms = 5000) => AbortSignal.timeout(ms);
const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: unknown) => error,
  );
const keyNamed = (name: string) => {
  const key = vault.keys.get(name);
  if (key === undefined) throw new Error(`there is no key ${name}`);
  return key;
};

describe('a source of Vault', () => {
  test('makes and unwraps data keys, and proves once that they are bound to a context', async () => {
    const source = sourceOf();
    const { plaintext, wrapped } = await source.generateDataKey(binding, within());
    expect(plaintext).toHaveLength(32);
    expect(Buffer.from(wrapped).toString()).toMatch(/^vault:v1:/);
    for (let time = 0; time < 2; time++)
      expect(await source.unwrapDataKey(wrapped, binding, within())).toEqual(plaintext);
    const ciphertext = Buffer.from(wrapped).toString();
    expect(vault.requests.map(({ url, body }) => [url, JSON.parse(body)])).toEqual([
      ['/v1/transit/datakey/plaintext/payloads', { context }],
      ['/v1/transit/datakey/plaintext/payloads', {}],
      ['/v1/transit/decrypt/payloads', { ciphertext, context }],
      ['/v1/transit/decrypt/payloads', { ciphertext }],
      ['/v1/transit/decrypt/payloads', { ciphertext, context }],
    ]);
    for (const { headers } of vault.requests)
      expect(headers).toMatchObject({ 'x-vault-token': TOKEN, 'x-vault-request': 'true' });
  });

  test('carries payloads from one process to another, also after a rotation of its key', async () => {
    const ringOf = () =>
      createEnvelopeKeyRing({ namespace: 'prod', domains: { dispatch: { active: sourceOf() } } });
    const here = await ringOf();
    keyNamed('payloads').versions.push(Buffer.alloc(32, 2));
    const there = await ringOf();
    const codec = (keys: typeof here) =>
      createEncryptionCodec({ keys, namespace: 'prod', domain: 'dispatch' });
    const payloads = [
      ...(await codec(here).encode([jsonPayload(1)])),
      ...(await codec(there).encode([jsonPayload(2)])),
    ];
    for (const ring of [here, there])
      expect((await codec(ring).decode(payloads)).map(plain)).toEqual(
        [jsonPayload(1), jsonPayload(2)].map(plain),
      );
    here.close();
    there.close();
  });

  test.each([
    ['another namespace', { namespace: 'test', domain: 'dispatch' }],
    ['another domain', { namespace: 'prod', domain: 'health' }],
  ])('does not unwrap for %s', async (_, other) => {
    const source = sourceOf();
    const { wrapped } = await source.generateDataKey(binding, within());
    expect(await errorOf(source.unwrapDataKey(wrapped, other, within()))).toMatchObject({
      code: 'CODEC_KEY_REFUSED',
      keyId: 'vault',
      retryable: false,
      message: expect.stringContaining('made for another namespace, domain or key'),
    });
  });

  test('refuses a key that is not derived, because Vault would ignore the context', async () => {
    vault.keys.set('payloads', transitKey(false));
    const refusal = {
      code: 'CODEC_KEY_REFUSED',
      message: expect.stringContaining('create one with derived=true'),
    };
    expect(await errorOf(sourceOf().generateDataKey(binding, within()))).toMatchObject(refusal);
    const { data } = await fetch(`${vault.address}/v1/transit/datakey/plaintext/payloads`, {
      method: 'POST',
      headers: { 'x-vault-token': TOKEN },
      body: '{}',
    }).then((response) => response.json() as Promise<{ data: { ciphertext: string } }>);
    const wrapped = Buffer.from(data.ciphertext);
    expect(await errorOf(sourceOf().unwrapDataKey(wrapped, binding, within()))).toMatchObject(refusal);
  });

  test('is limited to a domain by a policy, and says so if a policy hides whether its key is derived', async () => {
    const allowed = ['health/prod', ''];
    vault.tokens.set(TOKEN, { allows: (_, given) => allowed.includes(given) });
    const health = { namespace: 'prod', domain: 'health' };
    expect(await sourceOf().generateDataKey(health, within())).toMatchObject({
      plaintext: expect.anything(),
    });
    expect(await errorOf(sourceOf().generateDataKey(binding, within()))).toMatchObject({
      code: 'CODEC_KEY_REFUSED',
      message:
        'Key vault of Vault is refused: the token may not use the key for this namespace and domain (status 403).',
    });
    allowed.pop();
    expect(await errorOf(sourceOf().generateDataKey(health, within()))).toMatchObject({
      code: 'CODEC_KEY_REFUSED',
      message: expect.stringContaining('may not ask without a context'),
    });
  });

  test.each([
    ['changed', (text: string) => `${text.slice(0, -6)}AAAAA=`, 'was changed'],
    ['truncated', (text: string) => text.slice(0, 20), 'was changed'],
    ['of a version that is not there', (text: string) => text.replace('v1', 'v7'), 'was changed'],
    ['no text', () => 'vault:v1:\n', 'is not one of Vault'],
    ['of something else', () => 'AQIDAHg', 'was changed'],
  ])('refuses a wrapped key that is %s', async (_, change, says) => {
    const source = sourceOf();
    const { wrapped } = await source.generateDataKey(binding, within());
    const changed = Buffer.from(change(Buffer.from(wrapped).toString()));
    expect(await errorOf(source.unwrapDataKey(changed, binding, within()))).toMatchObject({
      code: 'CODEC_KEY_REFUSED',
      message: expect.stringContaining(says),
    });
  });

  test('refuses what does not decrypt also where Vault calls that an internal error, as 1.6 does', async () => {
    const source = sourceOf();
    const { wrapped } = await source.generateDataKey(binding, within());
    vault.outage = refuseAsVault(500, '1 error occurred:\n\t* cipher: message authentication failed\n\n');
    expect(await errorOf(source.unwrapDataKey(wrapped, binding, within()))).toMatchObject({
      code: 'CODEC_KEY_REFUSED',
      retryable: false,
    });
    expect(vault.requests).toHaveLength(3);
  });

  test('names a version that is retired, a key that is missing, and an engine that is missing', async () => {
    const source = sourceOf();
    const { wrapped } = await source.generateDataKey(binding, within());
    keyNamed('payloads').versions.push(Buffer.alloc(32, 2));
    keyNamed('payloads').minDecryptionVersion = 2;
    const refusals = [
      errorOf(source.unwrapDataKey(wrapped, binding, within())),
      errorOf(sourceOf({ keyName: 'other' }).generateDataKey(binding, within())),
      errorOf(sourceOf({ mount: 'teams/transit' }).generateDataKey(binding, within())),
    ];
    expect((await Promise.all(refusals)).map(String)).toEqual([
      expect.stringContaining('is retired (min_decryption_version) (status 400)'),
      expect.stringContaining('there is no such key (status 400)'),
      expect.stringContaining('there is no such key (status 404)'),
    ]);
  });

  test('asks in a namespace of Vault', async () => {
    vault.namespace = 'team-a';
    const inside = sourceOf({ vaultNamespace: 'team-a' });
    expect(await inside.generateDataKey(binding, within())).toMatchObject({ plaintext: expect.anything() });
    expect(await errorOf(sourceOf().generateDataKey(binding, within()))).toMatchObject({
      code: 'CODEC_KEY_REFUSED',
    });
  });
});

describe('the token', () => {
  test('is read from its file each time', async () => {
    const source = sourceOf();
    await source.generateDataKey(binding, within());
    vault.tokens.delete(TOKEN);
    vault.tokens.set('hvs.next', { allows: () => true });
    const error = await errorOf(source.generateDataKey(binding, within()));
    // Not a matter of the key: an agent is about to renew the token.
    expect(error).toMatchObject({ code: 'CODEC_KEY_UNAVAILABLE', retryable: true });
    expect(JSON.stringify([error, String(error)])).not.toContain('hvs');
    await writeFile(tokenFile, 'hvs.next');
    expect(await source.generateDataKey(binding, within())).toMatchObject({ plaintext: expect.anything() });
  });

  test.each([
    ['no file', null],
    ['an empty file', ' \n'],
    ['more than a token', 'hvs.a\nhvs.b'],
  ])('%s: it may come, and nothing is asked', async (_, text) => {
    await (text === null ? rm(tokenFile) : writeFile(tokenFile, text));
    const error = await errorOf(sourceOf().generateDataKey(binding, within()));
    expect(error).toMatchObject({ code: 'CODEC_KEY_UNAVAILABLE', retryable: true });
    expect(String(error)).not.toContain('hvs');
    expect(vault.requests).toEqual([]);
  });

  test('does not follow a redirect', async () => {
    const headers = { location: 'http://127.0.0.2:1/v1/transit/datakey/plaintext/payloads' };
    vault.faults.push({ status: 307, body: '', headers }, { status: 307, body: '', headers });
    expect(await errorOf(sourceOf().generateDataKey(binding, within()))).toMatchObject({
      code: 'CODEC_KEY_UNAVAILABLE',
      message: 'Key vault: Vault is not available: status 307.',
    });
  });
});

describe('trouble', () => {
  test.each([
    ['a sealed Vault', refuseAsVault(503, 'Vault is sealed')],
    ['an internal error', refuseAsVault(500, 'internal error')],
    ['a quota', refuseAsVault(429, 'request path "transit/decrypt": rate limit quota exceeded')],
    ['a standby', refuseAsVault(473)],
    ['what is not replicated yet', refuseAsVault(412, 'required index state not present')],
    ['a page of a balancer', { status: 404, body: '<html>hunter2</html>' }],
    ['a page that says all is well', { status: 200, body: '<html>hunter2</html>' }],
    ['an answer without data', { status: 200, body: '{"data":null}' }],
    [
      'a locked namespace',
      refuseAsVault(403, 'API access to this namespace has been locked by an administrator'),
    ],
    ['a token that got lost on its way', refuseAsVault(400, 'missing client token')],
    ['a closed connection', 'cut'],
  ] as const)('%s is outlived once, and then reported as what may pass', async (_, fault) => {
    const source = sourceOf();
    vault.faults.push(fault);
    expect(await source.generateDataKey(binding, within())).toMatchObject({ plaintext: expect.anything() });
    vault.faults.push(fault, fault);
    const error = await errorOf(source.generateDataKey(binding, within()));
    expect(error).toMatchObject({ code: 'CODEC_KEY_UNAVAILABLE', retryable: true, keyId: 'vault' });
    expect(String(error)).not.toContain('hunter2');
  });

  test('an answer without a data key is none', async () => {
    const source = sourceOf();
    const { wrapped } = await source.generateDataKey(binding, within());
    const empty = { status: 200, body: '{"data":{}}' };
    vault.faults.push(empty, empty);
    expect(await errorOf(source.generateDataKey(binding, within()))).toMatchObject({ retryable: true });
    expect(await errorOf(source.unwrapDataKey(wrapped, binding, within()))).toMatchObject({
      retryable: true,
    });
  });

  test('a request that hangs ends when its signal says so', async () => {
    vault.faults.push('hang', 'hang');
    const startedAt = performance.now();
    expect(await errorOf(sourceOf().generateDataKey(binding, within(300)))).toMatchObject({
      retryable: true,
    });
    expect(performance.now() - startedAt).toBeLessThan(1500);
    expect(vault.requests).toHaveLength(1);
  });

  test.each<[string, Partial<VaultOptions>]>([
    ['a strange id', { id: 'a b' }],
    ['a strange key name', { keyName: '../sys' }],
    ['a strange mount', { mount: 'transit/../sys' }],
    ['http to another machine', { address: 'http://vault.example.org:8200' }],
    ['a password in the address', { address: 'https://me:hunter2@vault.example.org' }],
  ])('%s: there is no source', (_, options) => {
    expect(() => sourceOf(options)).toThrow(expect.objectContaining({ code: 'CODEC_KEYS_INVALID' }));
    expect(() => sourceOf(options)).not.toThrow(/hunter2/);
  });
});
