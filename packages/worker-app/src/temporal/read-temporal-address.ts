import { readFile } from 'node:fs/promises';
import { ConfigError, type Env } from '@heliograph/service';
import {
  checkTlsMaterial,
  chooseProxy,
  type TemporalAddress,
  type TemporalTls,
} from '@heliograph/temporal-worker/client';
import type { ConfigOf, temporalVariables } from '../variables.ts';

/** The values of the variables about Temporal. */
export type TemporalConfig = ConfigOf<typeof temporalVariables>;

const CA = 'HELIOGRAPH_TEMPORAL_TLS_CA_FILE';
const CERT = 'HELIOGRAPH_TEMPORAL_TLS_CERT_FILE';
const KEY = 'HELIOGRAPH_TEMPORAL_TLS_KEY_FILE';

/** The variables that name files. */
export const TLS_FILES = [CA, CERT, KEY] as const;

/**
 * Converts the Temporal variables to an address, with the proxy that `env` names.
 *
 * @throws {ConfigError} naming the variable whose file or URL cannot be used, or for half of a client's key pair.
 */
export async function readTemporalAddress(config: TemporalConfig, env: Env): Promise<TemporalAddress> {
  const apiKey = config.HELIOGRAPH_TEMPORAL_API_KEY?.reveal();
  const serverName = config.HELIOGRAPH_TEMPORAL_TLS_SERVER_NAME;
  const tls: TemporalTls = {
    ...(await readPem('rootCaCertificate', config, CA)),
    ...(await readPem('clientCertificate', config, CERT)),
    ...(await readPem('clientKey', config, KEY)),
    ...(serverName === undefined ? {} : { serverName }),
  };
  if ((tls.clientCertificate === undefined) !== (tls.clientKey === undefined))
    throw new ConfigError([
      { variable: '', detail: `${CERT} and ${KEY} need each other: set both or neither` },
    ]);
  refuseAsConfig(`see ${TLS_FILES.join(', ')}`, () => checkTlsMaterial(tls, Date.now()));
  const address = config.HELIOGRAPH_TEMPORAL_ADDRESS;
  const hasTls = config.HELIOGRAPH_TEMPORAL_TLS || Object.keys(tls).length > 0;
  const isTls = hasTls || apiKey !== undefined;
  const proxy = refuseAsConfig('', () => chooseProxy(env, { address, isTls }));
  return {
    address,
    ...(hasTls ? { tls } : {}),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(proxy === null ? {} : { proxy }),
  };
}

/** What cannot be used is an error of the configuration here, with where to look. */
function refuseAsConfig<T>(where: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'TemporalSetupError') throw error;
    const detail = where === '' ? error.message : `${error.message}; ${where}`;
    throw new ConfigError([{ variable: '', detail }]);
  }
}

async function readPem(
  field: keyof TemporalTls,
  config: TemporalConfig,
  variable: (typeof TLS_FILES)[number],
): Promise<TemporalTls> {
  const file = config[variable];
  if (file === undefined) return {};
  try {
    return { [field]: await readFile(file, 'utf8') };
  } catch (error) {
    const code =
      typeof error === 'object' && error !== null && 'code' in error ? ` (${String(error.code)})` : '';
    throw new ConfigError([{ variable, detail: `the file cannot be read${code}` }]);
  }
}
