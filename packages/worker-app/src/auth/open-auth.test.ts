import { connectPostgres } from '@heliograph/database';
import { findUnusedPort, startLoopbackServer } from '@heliograph/simulators';
import { createLogger, loadConfig, type ServicePart } from '@heliograph/service';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { metrics } from '@opentelemetry/api';
import * as v from 'valibot';
import { authVariables } from '../variables.ts';
import { openAuth } from './open-auth.ts';

let postgres: ReturnType<typeof connectPostgres>;
beforeAll(async () => {
  const url = `postgres://x@127.0.0.1:${await findUnusedPort()}/x`;
  postgres = connectPostgres({ url, applicationName: 'x' });
});
afterAll(() => postgres.close());

const open = (env: Record<string, string> = {}) => {
  const parts: ServicePart[] = [];
  const { authenticator } = openAuth(
    {
      config: loadConfig(v.object(authVariables), env),
      postgres,
      logger: createLogger({ name: 'x', destination: { write: () => undefined } }),
      telemetry: { meter: metrics.getMeter('x') },
      register: (part) => parts.push(part),
    },
    { keys: [{ id: 'env', secret: 'a-key-of-the-environment', scopes: ['a'] }] },
  );
  return {
    outcomeOf: async (token: string) =>
      (await authenticator.authenticate(new Headers({ authorization: `Bearer ${token}` }))).kind,
    stop: () => Promise.all(parts.map((part) => part.stop(1000))),
  };
};

const OIDC = {
  HELIOGRAPH_OIDC_ISSUER: 'https://id.example.com/',
  HELIOGRAPH_OIDC_AUDIENCE: 'heliograph',
  HELIOGRAPH_OIDC_JWKS_URL: 'https://id.example.com/keys',
};

test('a key of the environment needs no database, and unknown ones of its form ask none', async () => {
  const { outcomeOf, stop } = open();
  await expect(outcomeOf('a-key-of-the-environment')).resolves.toBe('authenticated');
  await expect(outcomeOf('another-key-of-the-environment')).resolves.toBe('refused');
  await stop();
});

describe('tokens', () => {
  test.each(['HELIOGRAPH_OIDC_ISSUER', 'HELIOGRAPH_OIDC_AUDIENCE'] as const)(
    'are not accepted half configured: without %s',
    (name) => {
      const { [name]: _, ...rest } = OIDC;
      expect(() => open(rest)).toThrow(/set both, or none of them/);
    },
  );

  test('of an issuer that is known by its name alone have their keys discovered', async () => {
    const issuer = await startLoopbackServer((response) => response.writeHead(404).end());
    const { outcomeOf, stop } = open({
      HELIOGRAPH_OIDC_ISSUER: `${issuer.url}/ops`,
      HELIOGRAPH_OIDC_AUDIENCE: 'heliograph',
    });
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const token = [part({ alg: 'ES256', kid: 'k' }), part({ iss: `${issuer.url}/ops` }), 'AAAA'].join('.');
    await expect(outcomeOf(token)).resolves.toBe('unavailable');
    expect(issuer.requests.map(({ path }) => path)).toEqual(['/ops/.well-known/openid-configuration']);
    await stop();
    await issuer.close();
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ['unsigned', { HELIOGRAPH_OIDC_ALGORITHMS: 'RS256,none' }, /signed by none/],
    ['signed by a shared secret', { HELIOGRAPH_OIDC_ALGORITHMS: 'HS256' }, /signed by HS256/],
    [
      'whose keys come in clear',
      { HELIOGRAPH_OIDC_JWKS_URL: 'http://id.example.com/keys' },
      /fetched by https/,
    ],
    [
      'whose issuer would be discovered in clear',
      { HELIOGRAPH_OIDC_ISSUER: 'http://id.example.com', HELIOGRAPH_OIDC_JWKS_URL: '' },
      /discovered has to be an https address/,
    ],
  ])('are not accepted %s', (_, more, message) => {
    expect(() => open({ ...OIDC, ...more })).toThrow(message);
  });

  test('are refused, or not known, as the other credentials are', async () => {
    const { outcomeOf, stop } = open(OIDC);
    await expect(outcomeOf('no-token')).resolves.toBe('refused');
    await expect(outcomeOf('a-key-of-the-environment')).resolves.toBe('authenticated');
    await stop();
  });
});
