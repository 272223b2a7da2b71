import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLS_AUTHORITY } from '@heliograph/simulators';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { loadConfig, type Env } from '@heliograph/service';
import * as v from 'valibot';
import { temporalVariables } from '../variables.ts';
import { readTemporalAddress } from './read-temporal-address.ts';

const { ca, first, second, expired } = TLS_AUTHORITY;
let directory: string;
const file = (name: string): string => join(directory, name);
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pem-'));
  const files = {
    ca,
    crt: first.cert,
    key: first.key,
    otherKey: second.key,
    old: expired.cert,
    oldKey: expired.key,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(file(name), text);
});
afterAll(() => rm(directory, { recursive: true }));

const addressOf = (env: Env) =>
  readTemporalAddress(
    loadConfig(v.object(temporalVariables), { HELIOGRAPH_TEMPORAL_ADDRESS: 'temporal:7233', ...env }),
    env,
  );

test.each<[string, () => Env, object]>([
  ['plain by default', () => ({}), {}],
  ['TLS with the roots of the system', () => ({ HELIOGRAPH_TEMPORAL_TLS: 'true' }), { tls: {} }],
  ['an API key', () => ({ HELIOGRAPH_TEMPORAL_API_KEY: 'k' }), { apiKey: 'k' }],
  [
    'files, each of which enables TLS',
    () => ({
      HELIOGRAPH_TEMPORAL_TLS_CA_FILE: file('ca'),
      HELIOGRAPH_TEMPORAL_TLS_CERT_FILE: file('crt'),
      HELIOGRAPH_TEMPORAL_TLS_KEY_FILE: file('key'),
      HELIOGRAPH_TEMPORAL_TLS_SERVER_NAME: 'n',
    }),
    {
      tls: {
        rootCaCertificate: ca,
        clientCertificate: first.cert,
        clientKey: first.key,
        serverName: 'n',
      },
    },
  ],
  [
    'the proxy for plain connections',
    () => ({ HTTP_PROXY: 'http://p:1', HTTPS_PROXY: 'http://s:2' }),
    { proxy: { host: 'p', port: 1 } },
  ],
  [
    'the proxy for TLS, which an API key enables',
    () => ({ HELIOGRAPH_TEMPORAL_API_KEY: 'k', http_proxy: 'http://p:1', https_proxy: 'http://u:w@s:2' }),
    { apiKey: 'k', proxy: { host: 's', port: 2, credentials: { username: 'u', password: 'w' } } },
  ],
  ['no proxy where it is listed', () => ({ HTTP_PROXY: 'http://p:1', NO_PROXY: 'temporal' }), {}],
])('an address with %s', async (_, env, expected) => {
  expect(await addressOf(env())).toEqual({ address: 'temporal:7233', ...expected });
});

test('a file that cannot be read is refused with its variable, not its path', async () => {
  await expect(addressOf({ HELIOGRAPH_TEMPORAL_TLS_CA_FILE: file('none') })).rejects.toThrow(
    /^HELIOGRAPH_TEMPORAL_TLS_CA_FILE: the file cannot be read \(ENOENT\)$/,
  );
});

test('half of a key pair is refused', async () => {
  await expect(addressOf({ HELIOGRAPH_TEMPORAL_TLS_CERT_FILE: file('crt') })).rejects.toThrow(
    /CERT_FILE and HELIOGRAPH_TEMPORAL_TLS_KEY_FILE need each other/,
  );
});

test.each<[string, () => Env, string]>([
  [
    'a key that does not fit',
    () => ({
      HELIOGRAPH_TEMPORAL_TLS_CERT_FILE: file('crt'),
      HELIOGRAPH_TEMPORAL_TLS_KEY_FILE: file('otherKey'),
    }),
    'the client key is not that of the client certificate; see HELIOGRAPH_TEMPORAL_TLS_CA_FILE',
  ],
  [
    'a certificate that has expired',
    () => ({
      HELIOGRAPH_TEMPORAL_TLS_CERT_FILE: file('old'),
      HELIOGRAPH_TEMPORAL_TLS_KEY_FILE: file('oldKey'),
    }),
    'expired at 2025-02-01',
  ],
  [
    'a CA file that holds none',
    () => ({ HELIOGRAPH_TEMPORAL_TLS_CA_FILE: file('key') }),
    'the root CA certificate cannot be used',
  ],
  [
    'a proxy that the SDK cannot reach',
    () => ({ HTTP_PROXY: 'socks5://u:hunter2@p:1' }),
    'HTTP_PROXY: the Temporal SDK reaches proxies over http only, and this is socks5',
  ],
])('%s is refused at the start with one line', async (_, env, message) => {
  const refused = addressOf(env());
  await expect(refused).rejects.toMatchObject({ name: 'ConfigError' });
  await expect(refused).rejects.toThrow(message);
  await expect(refused).rejects.toThrow(/^[^\n]+$/);
  await expect(refused).rejects.not.toThrow('hunter2');
});
