import { ConfigError, type Logger, type Telemetry, type TlsFiles } from '@heliograph/service';
import type { ConfigOf, processVariables } from './variables.ts';

/** What reports on the files needs of its app. */
interface Surroundings {
  readonly logger: Logger;
  readonly telemetry: Telemetry;
}

/**
 * The files of the edge's certificate; undefined where it serves http. Each change of them is logged and counted.
 *
 * @throws {ConfigError} for one file without the other.
 */
export function edgeTls(
  config: Pick<
    ConfigOf<typeof processVariables>,
    'HELIOGRAPH_HTTP_TLS_CERT_FILE' | 'HELIOGRAPH_HTTP_TLS_KEY_FILE'
  >,
  { logger, telemetry }: Surroundings,
): TlsFiles | undefined {
  const { HELIOGRAPH_HTTP_TLS_CERT_FILE: certFile, HELIOGRAPH_HTTP_TLS_KEY_FILE: keyFile } = config;
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) {
    const detail =
      'HELIOGRAPH_HTTP_TLS_CERT_FILE and HELIOGRAPH_HTTP_TLS_KEY_FILE need each other: set both or neither';
    throw new ConfigError([{ variable: '', detail }]);
  }
  const reloads = telemetry.meter.createCounter('http_server_tls_reloads', {
    description:
      'Changed certificate files by result: used, or refused while the one of before stays in use.',
  });
  return {
    certFile,
    keyFile,
    onChange: (validUntil) => {
      reloads.add(1, { result: 'used' });
      logger.info({ validUntil }, 'new connections get the replaced certificate');
    },
    onProblem: (error) => {
      reloads.add(1, { result: 'refused' });
      logger.error(
        { err: error },
        'the certificate files cannot be used; the certificate of before stays in use',
      );
    },
  };
}

/** @throws {ConfigError} for an address that others than this machine reach. */
export function assertLoopback(host: string): void {
  if (host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)) return;
  const detail =
    'another address than loopback needs HELIOGRAPH_HTTP_TLS_CERT_FILE and HELIOGRAPH_HTTP_TLS_KEY_FILE: what is answered there is not for everybody on the network';
  throw new ConfigError([{ variable: 'HELIOGRAPH_HTTP_HOST', detail }]);
}
