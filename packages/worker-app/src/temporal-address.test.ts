import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { loadConfig, type Env } from '@heliograph/service';
import * as v from 'valibot';
import { temporalAddress } from './temporal-address.ts';
import { temporalVariables } from './variables.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pem-'));
  for (const name of ['ca', 'crt', 'key']) await writeFile(join(directory, name), `${name} in PEM`);
});
afterAll(() => rm(directory, { recursive: true }));

const addressOf = (env: Env) =>
  temporalAddress(
    loadConfig(v.object(temporalVariables), { HELIOGRAPH_TEMPORAL_ADDRESS: 'temporal:7233', ...env }),
  );

test.each<[string, () => Env, object]>([
  ['plain by default', () => ({}), {}],
  ['TLS with the roots of the system', () => ({ HELIOGRAPH_TEMPORAL_TLS: 'true' }), { tls: {} }],
  ['an API key', () => ({ HELIOGRAPH_TEMPORAL_API_KEY: 'k' }), { apiKey: 'k' }],
  [
    'files, each of which enables TLS',
    () => ({
      HELIOGRAPH_TEMPORAL_TLS_CA_FILE: join(directory, 'ca'),
      HELIOGRAPH_TEMPORAL_TLS_CERT_FILE: join(directory, 'crt'),
      HELIOGRAPH_TEMPORAL_TLS_KEY_FILE: join(directory, 'key'),
      HELIOGRAPH_TEMPORAL_TLS_SERVER_NAME: 'n',
    }),
    {
      tls: {
        rootCaCertificate: 'ca in PEM',
        clientCertificate: 'crt in PEM',
        clientKey: 'key in PEM',
        serverName: 'n',
      },
    },
  ],
])('an address with %s', (_, env, expected) => {
  expect(addressOf(env())).toEqual({ address: 'temporal:7233', ...expected });
});

test('a file that cannot be read is refused with its variable, not its path', () => {
  expect(() => addressOf({ HELIOGRAPH_TEMPORAL_TLS_CA_FILE: join(directory, 'none') })).toThrow(
    /^HELIOGRAPH_TEMPORAL_TLS_CA_FILE: the file cannot be read \(ENOENT\)$/,
  );
});

test('half of a key pair is refused', () => {
  expect(() => addressOf({ HELIOGRAPH_TEMPORAL_TLS_CERT_FILE: join(directory, 'crt') })).toThrow(
    /CERT_FILE and HELIOGRAPH_TEMPORAL_TLS_KEY_FILE need each other/,
  );
});
