import { readFileSync } from 'node:fs';
import { ConfigError } from '@heliograph/service';
import type { TemporalAddress, TemporalTls } from '@heliograph/temporal-worker/client';
import type { ConfigOf, temporalVariables } from './variables.ts';

/** The values of the variables about Temporal. */
export type TemporalConfig = ConfigOf<typeof temporalVariables>;

/**
 * Converts the Temporal variables to an address.
 *
 * @throws {ConfigError} naming the variable whose file cannot be read, or for half of a client's key pair.
 */
export function temporalAddress(config: TemporalConfig): TemporalAddress {
  const apiKey = config.HELIOGRAPH_TEMPORAL_API_KEY?.reveal();
  const serverName = config.HELIOGRAPH_TEMPORAL_TLS_SERVER_NAME;
  const tls: TemporalTls = {
    ...readPem('rootCaCertificate', config, 'HELIOGRAPH_TEMPORAL_TLS_CA_FILE'),
    ...readPem('clientCertificate', config, 'HELIOGRAPH_TEMPORAL_TLS_CERT_FILE'),
    ...readPem('clientKey', config, 'HELIOGRAPH_TEMPORAL_TLS_KEY_FILE'),
    ...(serverName === undefined ? {} : { serverName }),
  };
  if ((tls.clientCertificate === undefined) !== (tls.clientKey === undefined)) {
    const detail =
      'HELIOGRAPH_TEMPORAL_TLS_CERT_FILE and HELIOGRAPH_TEMPORAL_TLS_KEY_FILE need each other: set both or neither';
    throw new ConfigError([{ variable: '', detail }]);
  }
  return {
    address: config.HELIOGRAPH_TEMPORAL_ADDRESS,
    ...(config.HELIOGRAPH_TEMPORAL_TLS || Object.keys(tls).length > 0 ? { tls } : {}),
    ...(apiKey === undefined ? {} : { apiKey }),
  };
}

type PemVariable =
  | 'HELIOGRAPH_TEMPORAL_TLS_CA_FILE'
  | 'HELIOGRAPH_TEMPORAL_TLS_CERT_FILE'
  | 'HELIOGRAPH_TEMPORAL_TLS_KEY_FILE';

function readPem(field: keyof TemporalTls, config: TemporalConfig, variable: PemVariable): TemporalTls {
  const file = config[variable];
  if (file === undefined) return {};
  try {
    return { [field]: readFileSync(file, 'utf8') };
  } catch (error) {
    const code =
      typeof error === 'object' && error !== null && 'code' in error ? ` (${String(error.code)})` : '';
    throw new ConfigError([{ variable, detail: `the file cannot be read${code}` }]);
  }
}
