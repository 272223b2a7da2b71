import { request } from 'node:http';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { TemporalSetupError } from '../errors.ts';
import type { TemporalAddress } from './connect.ts';
import { joinAddress, splitAddress, type HttpProxy } from './http-proxy.ts';

/** How long the question may take altogether. */
const TIMEOUT_MS = 2000;

/** What a client of HTTP/2 says first: its preface and empty settings. A server answers with its own. */
const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);
/** Ends the question with its answer. */
class Reason extends Error {
  readonly code: 'TEMPORAL_TLS_REFUSED' | 'TEMPORAL_PROXY_REFUSED';
  readonly retryable: boolean;
  constructor(code: Reason['code'], message: string, retryable = false) {
    super(message);
    this.code = code;
    this.retryable = retryable;
  }
}

/**
 * Finds out why a connection could not be made: the SDK knows, and says no more than that there is none. It opens one of its
 * own, through the proxy and with TLS, as far as the first bytes of HTTP/2.
 *
 * @returns null if nothing more is found than that nobody answers.
 */
export function explainFailure(address: TemporalAddress, cause: unknown): Promise<TemporalSetupError | null> {
  return reasonOf((sockets) => ask(address, sockets), cause);
}

/**
 * Asks the proxy of an address for a tunnel and closes it again: one that refuses is known at once, where the SDK would try
 * again until its time is over. Does nothing without a proxy, or if it stays silent.
 *
 * @throws {TemporalSetupError} TEMPORAL_PROXY_REFUSED
 */
export async function assertProxyOpens({ address, proxy }: TemporalAddress): Promise<void> {
  if (proxy === undefined) return;
  const reason = await reasonOf((sockets) => openTunnel(proxy, splitAddress(address), sockets));
  if (reason !== null) throw reason;
}

/** Runs a question to its answer, within the time it may take, and destroys what it opened. */
async function reasonOf(
  question: (sockets: Socket[]) => Promise<unknown>,
  cause?: unknown,
): Promise<TemporalSetupError | null> {
  const sockets: Socket[] = [];
  const tooLate = AbortSignal.timeout(TIMEOUT_MS);
  const isTooLate = new Promise<null>((resolve) => tooLate.addEventListener('abort', () => resolve(null)));
  try {
    await Promise.race([question(sockets), isTooLate]);
    return null;
  } catch (error) {
    if (!(error instanceof Reason)) return null;
    return new TemporalSetupError(error.code, error.message, { retryable: error.retryable, cause });
  } finally {
    for (const socket of sockets) socket.on('error', () => undefined).destroy();
  }
}

async function ask(address: TemporalAddress, sockets: Socket[]): Promise<void> {
  const target = splitAddress(address.address);
  const { proxy } = address;
  const socket =
    proxy === undefined ? await openDirect(target, sockets) : await openTunnel(proxy, target, sockets);
  if (address.tls === undefined && address.apiKey === undefined) return;
  const { serverName, rootCaCertificate, clientCertificate, clientKey } = address.tls ?? {};
  let isSecure = false;
  const secured = connectTls({
    socket,
    host: target.host,
    // An address is no name that could be sent.
    servername: serverName ?? (isIP(target.host) === 0 ? target.host : ''),
    ALPNProtocols: ['h2'],
    ca: rootCaCertificate,
    cert: clientCertificate,
    key: clientKey,
  });
  sockets.push(secured);
  secured.once('secureConnect', () => (isSecure = true));
  try {
    await exchange(secured);
  } catch (error) {
    throw tlsReason(address, error, isSecure);
  }
}

function openDirect(
  target: { readonly host: string; readonly port: number },
  sockets: Socket[],
): Promise<Socket> {
  const socket = connectTcp(target);
  sockets.push(socket);
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket)).once('error', reject);
  });
}

function openTunnel(
  proxy: HttpProxy,
  target: { readonly host: string; readonly port: number },
  sockets: Socket[],
): Promise<Socket> {
  const path = joinAddress(target);
  const { credentials } = proxy;
  const headers: Record<string, string> = { host: path };
  if (credentials !== undefined) {
    const pair = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64');
    headers['proxy-authorization'] = `Basic ${pair}`;
  }
  const name = joinAddress(proxy);
  return new Promise((resolve, reject) => {
    request({ host: proxy.host, port: proxy.port, method: 'CONNECT', path, headers, agent: false })
      .once('socket', (socket) => sockets.push(socket))
      .once('connect', ({ statusCode: status = 0 }, socket: Socket) => {
        if (status === 200) resolve(socket);
        else reject(refusal(name, path, status));
      })
      .once('response', ({ statusCode: status = 0 }) => reject(refusal(name, path, status)))
      .once('error', (error) => {
        const message = `the proxy ${name} does not answer (${codeOf(error)}); check the proxy variables and that it is running`;
        reject(new Reason('TEMPORAL_PROXY_REFUSED', message, true));
      })
      .end();
  });
}

function refusal(proxy: string, target: string, status: number): Reason {
  const advice =
    status === 407
      ? 'set the user and the password in the URL of the proxy'
      : 'allow the address there, or list it in NO_PROXY';
  const message = `the proxy ${proxy} refuses to connect to ${target} (${status}); ${advice}`;
  return new Reason('TEMPORAL_PROXY_REFUSED', message, status >= 500);
}

/** Says the preface, and resolves with the first bytes of the answer. */
function exchange(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    socket
      .once('data', resolve)
      .once('error', reject)
      .once('close', () => reject(new Error('closed without an answer')));
    socket.write(PREFACE);
  });
}

/** The last words of the names of alerts, by which a server says what it has against the certificate of a client. */
const CLIENT_ALERTS =
  /ALERT_(?:BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA|ACCESS_DENIED)$/;

function tlsReason({ address, tls }: TemporalAddress, error: unknown, isSecure: boolean): unknown {
  const code = codeOf(error);
  const reason = (message: string, retryable = false): Reason =>
    new Reason('TEMPORAL_TLS_REFUSED', message, retryable);
  if (code === 'CERT_HAS_EXPIRED') return reason(`the certificate of ${address} has expired`);
  if (code === 'CERT_NOT_YET_VALID') return reason(`the certificate of ${address} is not valid yet`);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return reason(`the certificate of ${address} is for other names; set the TLS server name`);
  if (/SELF_SIGNED|UNABLE_TO|SIGNATURE|CERT_UNTRUSTED|INVALID_CA/.test(code))
    return reason(`the certificate of ${address} is not issued by a root that is trusted; check the CA file`);
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG')
    return reason(`${address} does not speak TLS; disable it, or check the port`);
  if (CLIENT_ALERTS.test(code)) {
    const alert = code
      .replace(/^.*ALERT_/, '')
      .replaceAll('_', ' ')
      .toLowerCase();
    return reason(
      tls?.clientCertificate === undefined
        ? `${address} requires a client certificate (${alert})`
        : `${address} refuses the client certificate (${alert})`,
    );
  }
  // Some servers end the connection without an alert once they have seen the certificate of the client. So does a load
  // balancer behind which no server runs just now: it is no reason to give up, and without a certificate none at all.
  if (isSecure && tls?.clientCertificate !== undefined)
    return reason(
      `${address} ends the connection after the handshake; check the client certificate, and that a server is behind it`,
      true,
    );
  return error;
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown';
}
