import { Connection, type ConnectionLike, type ConnectionOptions } from '@temporalio/client';
import { TemporalSetupError } from '../errors.ts';
import { callWithin, SETUP_TIMEOUT_MS } from './call-within.ts';
import { assertProxyOpens, explainFailure } from './explain-failure.ts';
import { joinAddress, splitAddress, type HttpProxy } from './http-proxy.ts';
import { checkTlsMaterial, type TemporalTls } from './tls-material.ts';

/** The address of a Temporal service and how to connect to it. */
export interface TemporalAddress {
  /** `host:port`. */
  readonly address: string;
  /** TLS; absent means none unless an API key is given. Certificates are PEM text. */
  readonly tls?: TemporalTls;
  /** Bearer key of Temporal Cloud or of a proxy; enables TLS. */
  readonly apiKey?: string;
  /** Longest time for the first connection, in milliseconds; default 10 000. */
  readonly connectTimeoutMs?: number;
  /** What to connect through, as `chooseProxy` finds it in the environment; absent: nothing, whatever the environment says. */
  readonly proxy?: HttpProxy;
}

/** A connection with the raw services that set-up needs; the SDK's two kinds of connection both are. */
export type ServiceConnection = ConnectionLike;

/**
 * TLS and key options in the form that both kinds of connection take.
 *
 * @throws {TemporalSetupError} TEMPORAL_CONNECT_FAILED for half of a client's key pair.
 */
export function connectionSecurity({ address, tls, apiKey }: TemporalAddress): {
  tls?: object | boolean;
  apiKey?: string;
} {
  const security: { tls?: object | boolean; apiKey?: string } = {};
  if (apiKey !== undefined) security.apiKey = apiKey;
  if (tls === undefined) {
    if (apiKey !== undefined) security.tls = true;
    return security;
  }
  if ((tls.clientCertificate === undefined) !== (tls.clientKey === undefined)) {
    throw new TemporalSetupError(
      'TEMPORAL_CONNECT_FAILED',
      `the TLS options for ${address} contain half of a key pair; set both the client certificate and its key, or neither`,
    );
  }
  const pair =
    tls.clientCertificate !== undefined && tls.clientKey !== undefined
      ? { clientCertPair: { crt: Buffer.from(tls.clientCertificate), key: Buffer.from(tls.clientKey) } }
      : {};
  security.tls = {
    ...(tls.serverName === undefined ? {} : { serverNameOverride: tls.serverName }),
    ...(tls.rootCaCertificate === undefined
      ? {}
      : { serverRootCACertificate: Buffer.from(tls.rootCaCertificate) }),
    ...pair,
  };
  return security;
}

/**
 * Options of a client's connection. The library under it would read lower-case proxy variables by rules of its own, so
 * that is switched off.
 */
function clientOptions(address: TemporalAddress): ConnectionOptions {
  const { proxy } = address;
  const target = joinAddress(splitAddress(address.address));
  const credentials = proxy?.credentials;
  return {
    address: proxy === undefined ? address.address : joinAddress(proxy),
    connectTimeout: address.connectTimeoutMs ?? 10_000,
    channelArgs: {
      'grpc.enable_http_proxy': 0,
      ...(proxy === undefined
        ? {}
        : { 'grpc.http_connect_target': `dns:${target}`, 'grpc.default_authority': target }),
      ...(credentials === undefined
        ? {}
        : { 'grpc.http_connect_creds': `${credentials.username}:${credentials.password}` }),
    },
    ...connectionSecurity(address),
  };
}

/**
 * Connects a process that only starts, signals and queries workflows (pure JavaScript gRPC, no native module).
 *
 * @throws {TemporalSetupError} TEMPORAL_TLS_INVALID; TEMPORAL_TLS_REFUSED or TEMPORAL_PROXY_REFUSED if that is why the
 *   service cannot be reached, else TEMPORAL_CONNECT_FAILED, retryable.
 */
export async function connectClient(address: TemporalAddress): Promise<Connection> {
  checkTlsMaterial(address.tls ?? {}, Date.now());
  await assertProxyOpens(address);
  const connection = Connection.lazy(clientOptions(address));
  try {
    await connection.ensureConnected();
    return connection;
  } catch (error) {
    await connection.close();
    throw await connectFailed(address, error);
  }
}

/**
 * Creates a client's connection without waiting for the service; the first call connects. Close it only after its
 * calls have ended: the SDK retries a call on a closed connection with an error that nothing can catch.
 *
 * @throws {TemporalSetupError} TEMPORAL_TLS_INVALID
 */
export function lazyClientConnection(address: TemporalAddress): Connection {
  checkTlsMaterial(address.tls ?? {}, Date.now());
  return Connection.lazy(clientOptions(address));
}

/**
 * The error for a service that cannot be reached, with the reason if asking again finds it: whether a proxy or TLS is in the
 * way. Of a plain and direct connection there is nothing more to find.
 */
export async function connectFailed(address: TemporalAddress, cause: unknown): Promise<TemporalSetupError> {
  const isPlain = address.proxy === undefined && address.tls === undefined && address.apiKey === undefined;
  return (
    (isPlain ? null : await explainFailure(address, cause)) ??
    new TemporalSetupError(
      'TEMPORAL_CONNECT_FAILED',
      `no Temporal service answers at ${address.address}; check the address, the TLS settings, and that the service is running`,
      { retryable: true, cause },
    )
  );
}

/**
 * Reads the server's version within 10 s, and refuses one that is older than required (`major.minor`).
 *
 * @throws {TemporalSetupError} TEMPORAL_SERVER_TOO_OLD, or TEMPORAL_NO_ANSWER if the service stays silent.
 */
export async function assertServerVersion(connection: ConnectionLike, wanted: string): Promise<string> {
  const { serverVersion } = await callWithin(connection, SETUP_TIMEOUT_MS, 'its version', () =>
    connection.workflowService.getSystemInfo({}),
  );
  const [major = 0, minor = 0] = wanted.split('.').map(Number);
  const [hasMajor = 0, hasMinor = 0] = serverVersion.split('.').map(Number);
  if (hasMajor < major || (hasMajor === major && hasMinor < minor)) {
    throw new TemporalSetupError(
      'TEMPORAL_SERVER_TOO_OLD',
      `Temporal Server ${serverVersion} is older than ${wanted}`,
    );
  }
  return serverVersion;
}
