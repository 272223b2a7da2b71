import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { TemporalSetupError } from '../errors.ts';

/** TLS material as PEM text. */
export interface TemporalTls {
  readonly serverName?: string;
  readonly rootCaCertificate?: string;
  /** The client's certificate, followed by those of its chain. */
  readonly clientCertificate?: string;
  readonly clientKey?: string;
}

/**
 * Checks certificates and key before a connection is made with them: the SDK would say no more than that nothing answers.
 * Whether the service accepts them, only the service knows.
 *
 * @param now milliseconds since the epoch
 * @returns until when the client's certificate is valid; null without one
 * @throws {TemporalSetupError} TEMPORAL_TLS_INVALID, or TEMPORAL_CONNECT_FAILED for half of a key pair
 */
export function checkTlsMaterial(tls: TemporalTls, now: number): Date | null {
  const { rootCaCertificate: ca, clientCertificate: cert, clientKey: key } = tls;
  if (ca !== undefined) {
    const roots = ca.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    if (roots.length === 0) throw invalid('the root CA certificate cannot be used: expected PEM');
    for (const root of roots) parse('the root CA certificate', () => new X509Certificate(root));
  }
  if (cert === undefined && key === undefined) return null;
  if (cert === undefined || key === undefined)
    throw new TemporalSetupError(
      'TEMPORAL_CONNECT_FAILED',
      'half of a key pair is missing; set both the client certificate and its key, or neither',
    );
  const certificate = parse('the client certificate', () => new X509Certificate(cert));
  const privateKey = parse('the client key', () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey))
    throw invalid('the client key is not that of the client certificate');
  parse('the client certificate with its chain', () => createSecureContext({ cert, key }));
  const validFrom = new Date(certificate.validFrom);
  const validUntil = new Date(certificate.validTo);
  if (now >= validUntil.getTime())
    throw invalid(`the client certificate expired at ${validUntil.toISOString()}; issue a new one`);
  if (now < validFrom.getTime())
    throw invalid(`the client certificate is not valid before ${validFrom.toISOString()}; check the clock`);
  return validUntil;
}

/** What OpenSSL says about a key is left out. */
function parse<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch {
    throw invalid(`${what} cannot be used: expected PEM`);
  }
}

function invalid(problem: string): TemporalSetupError {
  return new TemporalSetupError('TEMPORAL_TLS_INVALID', `TLS to Temporal: ${problem}`);
}
