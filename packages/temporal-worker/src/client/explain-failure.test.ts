import { findUnusedPort, startTlsProxy, TLS_AUTHORITY } from '@heliograph/simulators';
import { createServer } from 'node:tls';
import { expect, test } from '@jest/globals';
import { connectFailed } from './connect.ts';

const { ca, first, server: pair } = TLS_AUTHORITY;

test('a server without anything behind it may be there later, whatever the client certificate', async () => {
  const balancer = await startTlsProxy(await findUnusedPort());
  const own = { clientCertificate: first.cert, clientKey: first.key };
  const address = `localhost:${balancer.port}`;
  try {
    const error = await connectFailed({ address, tls: { rootCaCertificate: ca, ...own } }, null);
    expect(error).toMatchObject({ code: 'TEMPORAL_TLS_REFUSED', retryable: true });
    expect(error.message).toMatch(
      /ends the connection after the handshake; check the client certificate, and that a server is behind it$/,
    );
  } finally {
    await balancer.close();
  }
});

test('without a client certificate, one that ends the connection is one that does not answer', async () => {
  const balancer = createServer({ ...pair, ALPNProtocols: ['h2'] }, (socket) => void socket.end());
  await new Promise<void>((resolve) => void balancer.listen(0, '127.0.0.1', resolve));
  const bound = balancer.address();
  const port = typeof bound === 'object' ? bound?.port : undefined;
  try {
    const error = await connectFailed({ address: `localhost:${port}`, tls: { rootCaCertificate: ca } }, null);
    expect(error).toMatchObject({ code: 'TEMPORAL_CONNECT_FAILED', retryable: true });
  } finally {
    balancer.close();
  }
});
