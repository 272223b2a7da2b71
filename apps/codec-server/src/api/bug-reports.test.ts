import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { base64, encrypted, PAGE, startWireGround, valueOf } from '../testing/wire-ground.ts';

/** What users of other codec servers have reported. */
let ground: Awaited<ReturnType<typeof startWireGround>>;
beforeAll(async () => {
  ground = await startWireGround({
    overrides: {
      cors: {
        origins: [PAGE],
        headers: ['content-type', 'x-namespace', 'authorization', 'authorization-extras'],
        allowCredentials: true,
      },
    },
  });
});
afterAll(() => ground.close());

const plain = { metadata: { encoding: base64('json/plain') }, data: base64('"clear"') };

describe('bug reports of other codec servers', () => {
  test('temporalio/ui 1113: a wildcard origin fails every request that includes credentials', async () => {
    const { headers } = await ground.post('/decode', 'developer', [plain], { origin: PAGE });
    expect(headers.get('access-control-allow-origin')).toBe(PAGE);
    expect(headers.get('access-control-allow-credentials')).toBe('true');
    expect(headers.get('vary')).toContain('Origin');
  });

  test('temporalio/ui 1774: the UI sends an expired token, and nothing says so', async () => {
    const { status, headers, json } = await ground.post('/decode', 'expired', [plain], { origin: PAGE });
    expect([status, json.detail]).toEqual([401, 'The key or token is unknown, expired or revoked.']);
    expect(headers.get('access-control-allow-origin')).toBe(PAGE);
  });

  test('temporalio/ui 2274: members that a decoder adds to payloads break the replay of a downloaded history', async () => {
    const { json } = await ground.post('/decode', 'developer', [await encrypted(ground.keys, {}, 1), plain]);
    for (const payload of json.payloads)
      expect(Object.keys(payload).toSorted()).toEqual(['data', 'metadata']);
  });

  test('temporalio/web 444: another number of payloads comes back than was sent', async () => {
    for (const count of [0, 1, 2, 7]) {
      const { json } = await ground.post(
        '/{namespace}/decode',
        'developer',
        Array.from({ length: count }, () => plain),
      );
      expect(json.payloads).toHaveLength(count);
    }
  });

  test('temporalio/samples-typescript 137: data that is absent is undefined in the answer, and bodies end at 100 kB', async () => {
    const { json } = await ground.post('/decode', 'developer', [
      { metadata: { encoding: base64('binary/null') } },
    ]);
    expect(json.payloads).toEqual([{ metadata: { encoding: base64('binary/null') }, data: '' }]);
    const large = { ...plain, data: base64(JSON.stringify('x'.repeat(500_000))) };
    expect((await ground.post('/decode', 'developer', [large])).status).toBe(200);
  });

  test('PostHog/posthog 37522: metadata that are no base64 are an error of the server', async () => {
    const { status, json } = await ground.post('/decode', 'developer', [
      { ...plain, metadata: { encoding: '{}' } },
    ]);
    expect([status, json.code]).toEqual([400, 'PAYLOADS_INVALID']);
  });

  test('dsx-ai-factory/nv-config-manager 154: the UI is on another host, and its preflight is refused', async () => {
    const { status, headers } = await ground.send('/v1/codec/decode', {
      method: 'OPTIONS',
      headers: { origin: PAGE, 'access-control-request-method': 'POST' },
    });
    expect([status, headers.get('access-control-allow-origin')]).toEqual([204, PAGE]);
  });

  test('temporalio/sdk-go, by its handler: a body that is compressed, and the flag in another case', async () => {
    const { status, json } = await ground.send('/decode?preserveStorageRefs=TRUE', {
      method: 'POST',
      headers: {
        authorization: 'Bearer developer-key-of-tests',
        'content-type': 'application/json; charset=utf-8',
        'content-encoding': 'gzip',
      },
      body: gzipSync(JSON.stringify({ payloads: [await encrypted(ground.keys, {}, 'value')] })),
    });
    expect([status, valueOf(json.payloads[0])]).toEqual([200, 'value']);
  });
});
