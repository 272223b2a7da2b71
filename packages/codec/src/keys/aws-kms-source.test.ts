import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type KmsDouble, kmsKey, refuseAsKms, startKmsDouble } from '@heliograph/simulators';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createEncryptionCodec } from '../codecs/encryption-codec.ts';
import { jsonPayload, plain } from '../testing/payloads.ts';
import { type AwsKmsOptions, createAwsKmsSource } from './aws-kms-source.ts';
import { createEnvelopeKeyRing } from './envelope-key-ring.ts';

const REGION = 'eu-central-1';
const ARN = `arn:aws:kms:${REGION}:111122223333:key/0a`;
const OTHER_ARN = `arn:aws:kms:${REGION}:111122223333:key/0b`;
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: SECRET };
const binding = { namespace: 'prod', domain: 'dispatch' };

let kms: KmsDouble;
const environment = { ...process.env };
const clearAws = (): void => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
};
beforeEach(async () => {
  clearAws();
  Object.assign(process.env, { AWS_CONFIG_FILE: '/nowhere', AWS_SHARED_CREDENTIALS_FILE: '/nowhere' });
  kms = await startKmsDouble(REGION, credentials);
  kms.keys.push(kmsKey(ARN, 'alias/heliograph'), kmsKey(OTHER_ARN));
  process.env['AWS_ACCESS_KEY_ID'] = credentials.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = credentials.secretAccessKey;
});
afterEach(async () => {
  clearAws();
  Object.assign(process.env, environment);
  await kms.close();
});

const sourceOf = (options: Partial<AwsKmsOptions> = {}) =>
  createAwsKmsSource({ id: 'kms', keyId: ARN, endpoint: kms.address, ...options });
const within = (ms = 5000) => AbortSignal.timeout(ms);
const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: unknown) => error,
  );
const keyAt = (index: number) => {
  const key = kms.keys[index];
  if (key === undefined) throw new Error(`there is no key ${index}`);
  return key;
};

describe('a source of AWS KMS', () => {
  test.each([
    ['ARN', ARN, undefined],
    ['id', '0a', REGION],
    ['alias', 'alias/heliograph', REGION],
  ])('makes and unwraps data keys of a key that is named by its %s', async (_, keyId, region) => {
    const source = await sourceOf({ keyId, ...(region === undefined ? {} : { region }) });
    const { plaintext, wrapped } = await source.generateDataKey(binding, within());
    expect(plaintext).toHaveLength(32);
    expect(Buffer.from(await source.unwrapDataKey(wrapped, binding, within()))).toEqual(
      Buffer.from(plaintext),
    );
    const bodies = kms.requests.map(({ body }) => JSON.parse(body));
    expect(bodies).toEqual([
      { KeyId: keyId, KeySpec: 'AES_256', EncryptionContext: binding },
      { KeyId: keyId, CiphertextBlob: Buffer.from(wrapped).toString('base64'), EncryptionContext: binding },
    ]);
  });

  test('carries payloads from one process to another', async () => {
    const ringOf = async () =>
      createEnvelopeKeyRing({ namespace: 'prod', domains: { dispatch: { active: await sourceOf() } } });
    const [here, there] = await Promise.all([ringOf(), ringOf()]);
    const codec = (keys: typeof here) =>
      createEncryptionCodec({ keys, namespace: 'prod', domain: 'dispatch' });
    const payloads = await codec(there).encode([jsonPayload(1), jsonPayload(2)]);
    expect((await codec(here).decode(payloads)).map(plain)).toEqual(
      [jsonPayload(1), jsonPayload(2)].map(plain),
    );
    expect(kms.requests).toHaveLength(3);
    here.close();
    there.close();
  });

  test.each([
    ['another namespace', { namespace: 'test', domain: 'dispatch' }],
    ['another domain', { namespace: 'prod', domain: 'health' }],
  ])('does not unwrap for %s', async (_, other) => {
    const source = await sourceOf();
    const { wrapped } = await source.generateDataKey(binding, within());
    expect(await errorOf(source.unwrapDataKey(wrapped, other, within()))).toMatchObject({
      code: 'CODEC_KEY_REFUSED',
      keyId: 'kms',
      retryable: false,
      message: expect.stringContaining('InvalidCiphertextException'),
    });
  });

  test('does not unwrap what was wrapped by another key, although the role may use that too', async () => {
    const attackers = await sourceOf({ keyId: OTHER_ARN });
    const { wrapped } = await attackers.generateDataKey(binding, within());
    expect(await errorOf((await sourceOf()).unwrapDataKey(wrapped, binding, within()))).toMatchObject({
      code: 'CODEC_KEY_REFUSED',
      message: expect.stringContaining('IncorrectKeyException'),
    });
  });

  test('is limited to a domain by a key policy', async () => {
    keyAt(0).allows = (operation, { domain }) => operation === 'GenerateDataKey' || domain === 'health';
    const source = await sourceOf();
    const health = { namespace: 'prod', domain: 'health' };
    const [dispatchKey, healthKey] = await Promise.all(
      [binding, health].map((each) => source.generateDataKey(each, within())),
    );
    const blob = (key: typeof dispatchKey) => key?.wrapped ?? new Uint8Array();
    expect(await source.unwrapDataKey(blob(healthKey), health, within())).toHaveLength(32);
    expect(await errorOf(source.unwrapDataKey(blob(dispatchKey), binding, within()))).toMatchObject({
      code: 'CODEC_KEY_REFUSED',
      message: expect.stringContaining('AccessDeniedException'),
    });
  });

  test('refuses a wrapped key in which any byte was changed', async () => {
    const source = await sourceOf();
    const { wrapped } = await source.generateDataKey(binding, within());
    for (const at of [0, 1, 5, wrapped.length - 40, wrapped.length - 1]) {
      const changed = Uint8Array.from(wrapped, (byte, each) => (each === at ? byte ^ 1 : byte));
      expect(await errorOf(source.unwrapDataKey(changed, binding, within()))).toMatchObject({
        code: 'CODEC_KEY_REFUSED',
      });
    }
  });

  test.each([
    ['a key that does not exist', () => (kms.keys.length = 0), 'CODEC_KEY_REFUSED', 'NotFoundException'],
    ['a disabled key', () => (keyAt(0).state = 'Disabled'), 'CODEC_KEY_REFUSED', 'DisabledException'],
    // A state that may pass: KMS says the same of a key whose custom key store is not connected.
    [
      'a key in another state',
      () => (keyAt(0).state = 'PendingDeletion'),
      'CODEC_KEY_UNAVAILABLE',
      'KMSInvalidStateException',
    ],
    [
      'a wrong secret',
      () => (process.env['AWS_SECRET_ACCESS_KEY'] = 'hunter2'),
      'CODEC_KEY_UNAVAILABLE',
      'InvalidSignatureException',
    ],
    [
      'an unknown access key',
      () => (process.env['AWS_ACCESS_KEY_ID'] = 'AKIDOTHER'),
      'CODEC_KEY_UNAVAILABLE',
      'UnrecognizedClientException',
    ],
  ])('reports %s by name, and nothing secret', async (_, prepare, code, name) => {
    prepare();
    const error = await errorOf((await sourceOf()).generateDataKey(binding, within()));
    expect(error).toMatchObject({ code, keyId: 'kms', retryable: code === 'CODEC_KEY_UNAVAILABLE' });
    expect(String(error)).toContain(name);
    expect(JSON.stringify([error, String(error)])).not.toMatch(/hunter2|111122223333|AKID|wJalr/);
    expect(error).not.toHaveProperty('cause');
  });

  test('works again once it signs with good credentials', async () => {
    process.env['AWS_SECRET_ACCESS_KEY'] = 'hunter2';
    expect(await errorOf((await sourceOf()).generateDataKey(binding, within()))).toMatchObject({
      retryable: true,
    });
    process.env['AWS_SECRET_ACCESS_KEY'] = SECRET;
    expect(await (await sourceOf()).generateDataKey(binding, within())).toMatchObject({
      plaintext: expect.anything(),
    });
  });

  test.each([
    ['throttling', refuseAsKms('ThrottlingException')],
    ['a failure of the service', refuseAsKms('KMSInternalException', 500)],
    ['a page of a balancer', { status: 503, body: '<html>hunter2</html>' }],
    ['a closed connection', 'cut'],
  ] as const)('outlives %s', async (_, fault) => {
    const source = await sourceOf();
    kms.faults.push(fault);
    expect(await source.generateDataKey(binding, within())).toMatchObject({ plaintext: expect.anything() });
    kms.faults.push(...Array.from({ length: 5 }, () => fault));
    const error = await errorOf(source.generateDataKey(binding, within()));
    expect(error).toMatchObject({ code: 'CODEC_KEY_UNAVAILABLE', retryable: true });
    expect(String(error)).not.toContain('hunter2');
  });

  test('ends a request that hangs when its signal says so', async () => {
    const source = await sourceOf();
    kms.faults.push('hang', 'hang');
    const startedAt = performance.now();
    expect(await errorOf(source.generateDataKey(binding, within(300)))).toMatchObject({
      code: 'CODEC_KEY_UNAVAILABLE',
    });
    expect(performance.now() - startedAt).toBeLessThan(1500);
  });

  test('asks a second time after two seconds of silence', async () => {
    const source = await sourceOf();
    kms.faults.push('hang');
    expect(await source.generateDataKey(binding, within())).toMatchObject({ plaintext: expect.anything() });
    expect(kms.requests).toHaveLength(2);
  });

  test.each<[string, Partial<AwsKmsOptions>]>([
    ['a strange id', { id: 'a b' }],
    ['http to another machine', { endpoint: 'http://kms.example.org' }],
    ['a password in the address', { endpoint: 'https://me:hunter2@kms.example.org' }],
    ['no address', { endpoint: 'kms' }],
  ])('%s: there is no source', async (_, options) => {
    const error = await errorOf(sourceOf(options));
    expect(error).toMatchObject({ code: 'CODEC_KEYS_INVALID' });
    expect(String(error)).not.toContain('hunter2');
  });
});

describe('the AWS SDK', () => {
  /** Runs a module in a process of its own, in which `@aws-sdk` cannot be found. */
  const runWithoutSdk = async (code: string): Promise<string> => {
    const hook = `import { registerHooks } from 'node:module';
      registerHooks({ resolve(name, context, next) {
        if (name.startsWith('@aws-sdk/')) { console.log('asked for ' + name); throw new Error('not installed'); }
        return next(name, context);
      } });`;
    const run = promisify(execFile);
    const env = { ...process.env, NODE_OPTIONS: '', AWS_REGION: '' };
    const options = ['-C', '@heliograph/source', '--input-type=module', '-e', hook + code];
    const { stdout } = await run(process.execPath, options, { env });
    return stdout;
  };
  const entry = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);

  test('is not loaded by any entry', async () => {
    const entries = ['../index.ts', '../codecs/index.ts', './vault-source.ts', './aws-kms-source.ts'];
    const code = entries.map((path) => `await import(${entry(path)});`).join('');
    expect(await runWithoutSdk(`${code} console.log('loaded');`)).toBe('loaded\n');
  });

  test('is asked for by name when a source needs it and it is not there', async () => {
    const said = await runWithoutSdk(`
      const { createAwsKmsSource } = await import(${entry('./aws-kms-source.ts')});
      await createAwsKmsSource({ id: 'kms', keyId: ${JSON.stringify(ARN)} }).catch(({ code, message }) => console.log(code, message));`);
    expect(said).toBe(
      'asked for @aws-sdk/client-kms\nCODEC_KEYS_INVALID Key kms: @aws-sdk/client-kms cannot be loaded. Install it to use keys of AWS KMS.\n',
    );
  });

  test('has to know a region', async () => {
    expect(await errorOf(sourceOf({ keyId: 'alias/heliograph' }))).toMatchObject({
      code: 'CODEC_KEYS_INVALID',
      message: 'Key kms: its AWS region is not known. Set AWS_REGION.',
    });
  });
});
