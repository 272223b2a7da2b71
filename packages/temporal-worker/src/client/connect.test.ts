import { findUnusedPort } from '@heliograph/simulators';
import { describe, expect, test } from '@jest/globals';
import { connectClient, connectionSecurity } from './connect.ts';

describe('a connection', () => {
  test.each<[string, Parameters<typeof connectionSecurity>[0], object]>([
    ['is plain by default', { address: 'x:1' }, {}],
    ['has TLS with an API key', { address: 'x:1', apiKey: 'k' }, { apiKey: 'k', tls: true }],
    ['has TLS with the roots of the system', { address: 'x:1', tls: {} }, { tls: {} }],
    [
      'has TLS with its own root, name and key pair',
      {
        address: 'x:1',
        tls: { serverName: 'n', rootCaCertificate: 'ca', clientCertificate: 'crt', clientKey: 'key' },
      },
      {
        tls: {
          serverNameOverride: 'n',
          serverRootCACertificate: Buffer.from('ca'),
          clientCertPair: { crt: Buffer.from('crt'), key: Buffer.from('key') },
        },
      },
    ],
    [
      'has both a key and TLS',
      { address: 'x:1', apiKey: 'k', tls: { serverName: 'n' } },
      { apiKey: 'k', tls: { serverNameOverride: 'n' } },
    ],
  ])('%s', (_, address, options) => {
    expect(connectionSecurity(address)).toEqual(options);
  });

  test.each([{ clientCertificate: 'crt' }, { clientKey: 'key' }])(
    'with half of a key pair (%j) is refused rather than made without',
    (tls) => {
      expect(() => connectionSecurity({ address: 'x:1', tls })).toThrow(
        expect.objectContaining({ code: 'TEMPORAL_CONNECT_FAILED', retryable: false }),
      );
    },
  );

  test('to where nobody answers fails with the address and what to check', async () => {
    const port = await findUnusedPort();
    await expect(
      connectClient({ address: `127.0.0.1:${port}`, connectTimeoutMs: 300 }),
    ).rejects.toMatchObject({
      name: 'TemporalSetupError',
      code: 'TEMPORAL_CONNECT_FAILED',
      retryable: true,
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });
});
