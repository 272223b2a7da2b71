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
  if (ca !== undefined)
    for (const root of certificatesOf('the root CA certificate', ca))
      parse('the root CA certificate', () => new X509Certificate(root));
  if (cert === undefined && key === undefined) return null;
  if (cert === undefined || key === undefined)
    throw new TemporalSetupError(
      'TEMPORAL_CONNECT_FAILED',
      'half of a key pair is missing; set both the client certificate and its key, or neither',
    );
  const certificate = parse('the client certificate', () => new X509Certificate(cert));
  for (const issuer of certificatesOf('the client certificate with its chain', cert))
    parse('the client certificate with its chain', () => new X509Certificate(issuer));
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

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** What else a file may hold, such as its key; a header of it may have hyphens. */
const OTHER_BLOCK = /-----BEGIN ((?!CERTIFICATE-)[^-\n]+)-----(?:(?!-----BEGIN)[\s\S])+?-----END \1-----/g;

/** The certificates of a PEM bundle. Parsers skip one that is cut off: a half-written file would pass, with fewer of them. */
function certificatesOf(what: string, pem: string): readonly string[] {
  const certificates = pem.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) throw invalid(`${what} cannot be used: expected PEM`);
  // Only comments are left; a boundary among them, or its beginning in the last line, has no other half.
  const rest = pem.replaceAll(CERTIFICATE, '').replaceAll(OTHER_BLOCK, '');
  if (/-----(?:BEGIN|END)|(?:^|\n)-[^\n]*$/.test(rest.trimEnd()))
    throw invalid(`${what} cannot be used: the file is cut off`);
  return certificates;
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
