import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { metrics } from '@opentelemetry/api';
import { createLogger, loadConfig, type Env, type ServicePart } from '@heliograph/service';
import * as v from 'valibot';
import { codecVariables } from '../variables.ts';
import { openKeyRing } from './open-key-ring.ts';

let directory: string;
const parts: ServicePart[] = [];
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keys-'));
});
afterAll(async () => {
  for (const part of parts) await part.stop(1000);
  await rm(directory, { recursive: true });
});

/** The bytes of keys have a pattern that no message may show. */
const CANARY = 'hunter2hunter2hunter2hunter2hunter2hunter2h';
const ring = (active: string, ...ids: string[]): string =>
  JSON.stringify({
    domains: { dispatch: { active, keys: [active, ...ids].map((id) => ({ id, key: CANARY })) } },
  });

const file = async (name: string, content: string): Promise<string> => {
  await writeFile(join(directory, name), content);
  return join(directory, name);
};

const open = (env: Env) =>
  openKeyRing(loadConfig(v.object(codecVariables), env), {
    namespace: 'ns',
    logger: createLogger({ name: 'test', level: 'error', destination: { write: () => undefined } }),
    telemetry: { meter: metrics.getMeter('test') },
    register: (part) => void parts.push(part),
  });

describe('keys of our own', () => {
  test('come from a variable', async () => {
    const keys = await open({ HELIOGRAPH_CODEC_KEYS: ring('k2', 'k1') });
    expect(keys.activeKey('dispatch').id).toBe('k2');
  });

  test('come from a file, and are followed until the app stops', async () => {
    const before = parts.length;
    const keys = await open({ HELIOGRAPH_CODEC_KEYS_FILE: await file('ring.json', ring('k1')) });
    expect(keys.activeKey('dispatch').id).toBe('k1');
    expect(parts.slice(before)).toMatchObject([{ name: 'codec-keys' }]);
  });
});

describe('is refused, with the variable and the place, and never a key:', () => {
  test.each<[string, () => Env | Promise<Env>, RegExp]>([
    ['no keys', () => ({}), /^no keys for payloads: set one of HELIOGRAPH_CODEC_KEYS_FILE, /],
    [
      'two rings',
      () => ({ HELIOGRAPH_CODEC_KEYS: ring('k1'), HELIOGRAPH_CODEC_KEYS_FILE: '/keys' }),
      /^HELIOGRAPH_CODEC_KEYS_FILE and HELIOGRAPH_CODEC_KEYS are both set/,
    ],
    [
      'a file that is missing',
      () => ({ HELIOGRAPH_CODEC_KEYS_FILE: join(directory, 'none') }),
      /^HELIOGRAPH_CODEC_KEYS_FILE: the file cannot be read \(ENOENT\)$/,
    ],
    [
      'a file that is not JSON',
      async () => ({ HELIOGRAPH_CODEC_KEYS_FILE: await file('text', CANARY) }),
      /^HELIOGRAPH_CODEC_KEYS_FILE: The key ring cannot be used: it is not JSON\.$/,
    ],
    [
      'a key that is too short',
      () => ({ HELIOGRAPH_CODEC_KEYS: ring('k1').replace(CANARY, 'hunter2') }),
      /^HELIOGRAPH_CODEC_KEYS: The key ring cannot be used: domains\.dispatch\.keys\.0\.key: expected 32 bytes in base64url\.$/,
    ],
    [
      'a file of envelope keys with a type that does not exist',
      async () => ({
        HELIOGRAPH_CODEC_ENVELOPE_KEYS_FILE: await file(
          'envelope',
          JSON.stringify({ domains: { dispatch: { active: 'a', sources: [{ type: CANARY, id: 'a' }] } } }),
        ),
      }),
      /^HELIOGRAPH_CODEC_ENVELOPE_KEYS_FILE: The envelope keys cannot be used: domains\.dispatch\.sources\.0\.type: expected \("aws-kms" \| "vault"\)\.$/,
    ],
    [
      'envelope keys without the active one',
      async () => ({
        HELIOGRAPH_CODEC_ENVELOPE_KEYS_FILE: await file(
          'envelope',
          JSON.stringify({ domains: { dispatch: { active: 'b', sources: [vault('https://vault')] } } }),
        ),
      }),
      /the active source of the domain dispatch is not among its sources/,
    ],
    [
      'envelope keys beside keys of a domain that they lack',
      async () => ({
        HELIOGRAPH_CODEC_KEYS: ring('k1'),
        HELIOGRAPH_CODEC_ENVELOPE_KEYS_FILE: await file(
          'envelope',
          JSON.stringify({ domains: { health: { active: 'a', sources: [vault('https://vault')] } } }),
        ),
      }),
      /the domain dispatch has keys of its own and is missing here/,
    ],
  ])('%s', async (_, env, message) => {
    const refused = open(await env());
    await expect(refused).rejects.toMatchObject({
      name: 'ConfigError',
      message: expect.stringMatching(message),
    });
    await expect(refused).rejects.not.toThrow(/hunter2/);
  });
});

describe('envelope keys', () => {
  test('encrypt with data keys of the service; keys of our own only decrypt', async () => {
    const { url, close } = await startTransit();
    try {
      const keys = await open({
        HELIOGRAPH_CODEC_KEYS: ring('k2', 'k1').replace(
          '}]',
          `},{"id":"c1","key":"${CANARY}","use":"claims"}]`,
        ),
        HELIOGRAPH_CODEC_ENVELOPE_KEYS_FILE: await file(
          'envelope',
          JSON.stringify({
            domains: {
              dispatch: { active: 'vault-2026', sources: [vault(url, await file('token', 't0k3n'))] },
            },
          }),
        ),
      });
      const active = keys.activeKey('dispatch');
      expect([active.id, Buffer.from(active.wrapped ?? []).toString()]).toEqual(['vault-2026', 'vault:v1:x']);
      expect(keys.namespace).toBe('ns');
      expect(await keys.findKey('dispatch', 'k1', null)).toMatchObject({ id: 'k1', wrapped: null });
      expect(keys.claimKeys?.('dispatch')).toMatchObject([{ id: 'c1' }]);
    } finally {
      await close();
    }
  });

  test('without an active source only decrypt: the service is asked for none at the start', async () => {
    const { url, close } = await startTransit();
    await close();
    const content = { domains: { dispatch: { sources: [vault(url)] } } };
    const env = { HELIOGRAPH_CODEC_ENVELOPE_KEYS_FILE: await file('envelope', JSON.stringify(content)) };
    const keys = await open(env);
    expect(keys.domains).toEqual(['dispatch']);
    expect(() => keys.activeKey('dispatch')).toThrow(expect.objectContaining({ code: 'CODEC_DECODE_ONLY' }));
  });

  test('of a service that is away end the start, with the variable', async () => {
    const { url, close } = await startTransit();
    await close();
    const content = { domains: { dispatch: { active: 'vault-2026', sources: [vault(url)] } } };
    const env = { HELIOGRAPH_CODEC_ENVELOPE_KEYS_FILE: await file('envelope', JSON.stringify(content)) };
    await expect(open(env)).rejects.toThrow(
      /^HELIOGRAPH_CODEC_ENVELOPE_KEYS_FILE: Key vault-2026: Vault is not available/,
    );
  });
});

const vault = (address: string, tokenFile = '/none') => ({
  type: 'vault',
  id: 'vault-2026',
  address,
  keyName: 'payloads',
  tokenFile,
});

/** As much of Vault's transit engine as the start asks for: one data key, and the proof that the key is derived. */
async function startTransit() {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const isProof = !Buffer.concat(chunks).toString().includes('context');
      const data = { plaintext: Buffer.alloc(32, 1).toString('base64'), ciphertext: 'vault:v1:x' };
      const answer = isProof ? { errors: ["missing 'context' for key derivation"] } : { data };
      response
        .writeHead(isProof ? 400 : 200, { 'content-type': 'application/json' })
        .end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
