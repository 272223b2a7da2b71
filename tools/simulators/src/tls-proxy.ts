import { connect, type Socket } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { TLS_AUTHORITY, type IssuedPair } from './tls-authority.ts';

/** A server that ends TLS with HTTP/2 and requires a client certificate, in front of one on loopback that speaks plainly. */
export interface TlsProxy {
  readonly port: number;
  /** The common name of each client that was let in, in order. */
  readonly clients: readonly string[];
  /** The common names of the clients that are connected now. */
  connected(): readonly string[];
  /** From now on refuses the clients with this name, as when a certificate has expired; open connections stay. */
  refuse(commonName: string): void;
  /** Shows another certificate to new connections. */
  present(pair: IssuedPair): void;
  /** Cuts every connection that is open now; new ones work. */
  cutConnections(): void;
  /** Stops, destroying connections. */
  close(): Promise<void>;
}

/** Starts it on a free port of loopback. It shows `pair` (default that of the authority) and trusts the clients of the authority. */
export async function startTlsProxy(
  targetPort: number,
  { pair = TLS_AUTHORITY.server }: { readonly pair?: IssuedPair } = {},
): Promise<TlsProxy> {
  const clients: string[] = [];
  const refused = new Set<string>();
  const open = new Map<TLSSocket, string>();
  const sockets = new Set<Socket>();
  const settings = { ca: TLS_AUTHORITY.ca, requestCert: true, ALPNProtocols: ['h2'] };
  const server = createServer({ ...settings, ...pair, rejectUnauthorized: true }, (client) => {
    const name = client.getPeerCertificate().subject.CN;
    client.on('error', () => undefined);
    if (refused.has(name)) {
      client.destroy();
      return;
    }
    clients.push(name);
    open.set(client, name);
    const target = connect(targetPort, '127.0.0.1').on('error', () => undefined);
    client.once('close', () => {
      open.delete(client);
      target.destroy();
    });
    target.once('close', () => client.destroy());
    client.pipe(target).pipe(client);
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TLS server has no port');
  return {
    port: address.port,
    clients,
    connected: () => [...open.values()],
    refuse: (commonName) => void refused.add(commonName),
    present: (other) => server.setSecureContext({ ...settings, ...other }),
    cutConnections() {
      for (const client of open.keys()) client.destroy();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
