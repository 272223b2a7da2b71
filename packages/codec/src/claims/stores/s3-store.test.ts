import { refuseAsS3, type S3Double, startS3Double } from '@heliograph/simulators';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { describeStore, nameOf } from '../../testing/store-contract.ts';
import { createS3Store, type S3StoreOptions } from './s3-store.ts';

const REGION = 'eu-central-1';
const bucket = 'heliograph-claims';
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: SECRET };

let s3: S3Double;
const environment = { ...process.env };
const clearAws = (): void => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
};
beforeEach(async () => {
  clearAws();
  Object.assign(process.env, {
    AWS_CONFIG_FILE: '/nowhere',
    AWS_SHARED_CREDENTIALS_FILE: '/nowhere',
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: SECRET,
  });
  s3 = await startS3Double({ region: REGION, bucket }, credentials);
});
afterEach(async () => {
  clearAws();
  Object.assign(process.env, environment);
  await s3.close();
});
const within = () => AbortSignal.timeout(25_000);
const storeOf = (options: Partial<S3StoreOptions> = {}) =>
  createS3Store({ bucket, region: REGION, endpoint: s3.address, prefix: 'claims/', ...options });

describeStore(() => storeOf());

describe('S3', () => {
  test('gets names below the prefix only, and what others keep in the bucket is not listed', async () => {
    const store = await storeOf();
    await store.put(nameOf(1), Buffer.from('x'), within());
    expect([...s3.objects.keys()]).toEqual([`claims/${nameOf(1)}`]);
    for (let n = 0; n < 9; n++) s3.objects.set(`claims/a${n}`, Buffer.from(''));
    s3.objects.set('theirs', Buffer.from(''));
    expect(await store.list({ after: null, limit: 2 }, within())).toEqual([nameOf(1)]);
    expect(await store.list({ after: nameOf(1), limit: 2 }, within())).toEqual([]);
  });

  test('is asked for no more than the head of an object that is too large', async () => {
    const store = await storeOf();
    s3.objects.set(`claims/${nameOf(1)}`, new Uint8Array(50_000_000));
    await expect(store.get(nameOf(1), 1000, within())).rejects.toMatchObject({ code: 'CODEC_TOO_LARGE' });
  });

  test('is asked again after a 503, after SlowDown and after a cut connection', async () => {
    const store = await storeOf();
    s3.faults.push(refuseAsS3(503, 'SlowDown'), 'cut');
    expect(await store.put(nameOf(1), Buffer.from('x'), within())).toBe(true);
    expect(s3.requests).toHaveLength(3);
  });

  test('that hangs is asked again', async () => {
    const store = await storeOf();
    await store.put(nameOf(1), Buffer.from('x'), within());
    s3.faults.push('hang');
    await expect(store.get(nameOf(1), 10, within())).resolves.not.toBeNull();
  }, 30_000);

  test('that answers an earlier attempt too late has the object: the put still succeeds, as kept', async () => {
    const store = await storeOf();
    s3.objects.set(`claims/${nameOf(1)}`, Buffer.from('x'));
    s3.faults.push(refuseAsS3(500, 'InternalError'));
    expect(await store.put(nameOf(1), Buffer.from('x'), within())).toBe(false);
  });

  test.each([
    ['another secret', { AWS_SECRET_ACCESS_KEY: 'other' }, {}],
    ['another id', { AWS_ACCESS_KEY_ID: 'AKIDOTHER' }, {}],
    ['another region', {}, { region: 'eu-west-1' }],
    ['another bucket', {}, { bucket: 'theirs' }],
  ])('refuses %s: retryable, and without what it said', async (_, variables, options) => {
    Object.assign(process.env, variables);
    const store = await storeOf(options);
    for (const request of [
      () => store.put(nameOf(1), Buffer.from('x'), within()),
      () => store.get(nameOf(1), 9, within()),
      () => store.remove(nameOf(1), within()),
      () => store.list({ after: null, limit: 9 }, within()),
    ]) {
      const error: unknown = await request().catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'CODEC_CLAIMS_UNAVAILABLE', retryable: true });
      expect(String(error)).not.toMatch(/arn:|1111|AKID|wJalr/);
    }
  });

  test('stops a request when its signal is aborted', async () => {
    const store = await storeOf();
    s3.faults.push('hang', 'hang', 'hang');
    const started = performance.now();
    await expect(store.get(nameOf(1), 9, AbortSignal.timeout(100))).rejects.toMatchObject({
      retryable: true,
    });
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

test.each([
  ['a bucket that is a path', { bucket: '../x' }],
  ['a bucket in capitals', { bucket: 'Claims' }],
  ['a prefix with a query', { prefix: 'a?b' }],
  ['an endpoint without TLS', { endpoint: 'http://s3.example.com' }],
  ['an endpoint with a password', { endpoint: 'https://a:b@s3.example.com' }],
])('%s is refused', async (_, options) => {
  await expect(storeOf(options)).rejects.toMatchObject({ code: 'CODEC_OPTIONS_INVALID' });
});

test('a region that nobody names is refused at the start', async () => {
  await expect(createS3Store({ bucket, endpoint: s3.address })).rejects.toMatchObject({
    code: 'CODEC_OPTIONS_INVALID',
  });
});
