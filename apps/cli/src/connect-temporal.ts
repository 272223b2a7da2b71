import { readFileSync } from 'node:fs';
import {
  chooseProxy,
  connectClient,
  replaceableConnection,
  type ReplaceableConnection,
  type ServiceConnection,
  type TemporalAddress,
  type TemporalTls,
} from '@heliograph/temporal-worker/client';
import { CliError } from './errors.ts';
import { systemCode } from './replace-file.ts';
import type { Terminal } from './terminal.ts';

/** Options of a command that asks the Temporal Service itself, about all of it. */
export const SERVICE_OPTIONS = {
  json: { type: 'boolean', default: false, describe: 'Print JSON' },
  'temporal-address': {
    type: 'string',
    requiresArg: true,
    describe: 'host:port of the Temporal Service [HELIOGRAPH_TEMPORAL_ADDRESS, else 127.0.0.1:7233]',
  },
  concurrency: { type: 'number', default: 8, requiresArg: true, describe: 'How many runs to read at once' },
} as const;

/** The same for commands that may read some namespaces only. */
export const TEMPORAL_OPTIONS = {
  ...SERVICE_OPTIONS,
  namespace: {
    type: 'string',
    array: true,
    requiresArg: true,
    describe: 'Only these namespaces; default: all of the service',
  },
} as const;

/** Their values. */
export interface TemporalArguments {
  readonly json: boolean;
  readonly temporalAddress: string | undefined;
  /** Left out: every namespace of the service. */
  readonly namespace?: readonly string[] | undefined;
  readonly concurrency: number;
}

const DEFAULT_ADDRESS = '127.0.0.1:7233';

/**
 * Runs something with a connection to the Temporal Service. TLS and the key of Temporal Cloud come from the variables
 * HELIOGRAPH_TEMPORAL_* that the apps have as well, a proxy from HTTPS_PROXY, HTTP_PROXY and NO_PROXY.
 *
 * @throws {CliError} CLI_TEMPORAL_FAILED or CLI_USAGE, with one readable line
 */
export async function withTemporal<T>(
  { temporalAddress }: Pick<TemporalArguments, 'temporalAddress'>,
  { env }: Pick<Terminal, 'env'>,
  run: (connection: ServiceConnection) => Promise<T>,
): Promise<T> {
  const address = addressOf(temporalAddress, env);
  // Of several calls at once one may fail while others still run: it is closed when they have ended.
  let temporal: ReplaceableConnection<ServiceConnection> | undefined;
  try {
    temporal = replaceableConnection<ServiceConnection>(await connectClient(address));
    return await run(temporal.connection);
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError('CLI_TEMPORAL_FAILED', describe(error, address.address), { cause: error });
  } finally {
    await temporal?.close(0);
  }
}

/** Every namespace of the service but its own. */
export async function listNamespaces(connection: ServiceConnection): Promise<readonly string[]> {
  const names: string[] = [];
  let nextPageToken: Uint8Array | null = null;
  do {
    const page: Awaited<ReturnType<typeof connection.workflowService.listNamespaces>> =
      await connection.workflowService.listNamespaces({ pageSize: 100, nextPageToken });
    names.push(...page.namespaces.flatMap(({ namespaceInfo }) => namespaceInfo?.name ?? []));
    nextPageToken = page.nextPageToken.length > 0 ? page.nextPageToken : null;
  } while (nextPageToken !== null);
  return names.filter((name) => name !== 'temporal-system').toSorted();
}

function addressOf(option: string | undefined, env: Terminal['env']): TemporalAddress {
  const value = (name: string): string | undefined => (env[name] === '' ? undefined : env[name]);
  const address = option ?? value('HELIOGRAPH_TEMPORAL_ADDRESS') ?? DEFAULT_ADDRESS;
  if (!/^[\w.[\]:-]+:\d{1,5}$/.test(address))
    throw new CliError('CLI_USAGE', `--temporal-address: expected host:port, such as ${DEFAULT_ADDRESS}`);
  const apiKey = value('HELIOGRAPH_TEMPORAL_API_KEY');
  const serverName = value('HELIOGRAPH_TEMPORAL_TLS_SERVER_NAME');
  const pem = (field: keyof TemporalTls, name: string): TemporalTls => {
    const file = value(name);
    return file === undefined ? {} : { [field]: contentOf(name, file) };
  };
  const tls: TemporalTls = {
    ...pem('rootCaCertificate', 'HELIOGRAPH_TEMPORAL_TLS_CA_FILE'),
    ...pem('clientCertificate', 'HELIOGRAPH_TEMPORAL_TLS_CERT_FILE'),
    ...pem('clientKey', 'HELIOGRAPH_TEMPORAL_TLS_KEY_FILE'),
    ...(serverName === undefined ? {} : { serverName }),
  };
  const hasTls =
    isSwitchedOn('HELIOGRAPH_TEMPORAL_TLS', value('HELIOGRAPH_TEMPORAL_TLS')) || Object.keys(tls).length > 0;
  const proxy = proxyOf({ address, isTls: hasTls || apiKey !== undefined }, env);
  return {
    address,
    ...(hasTls ? { tls } : {}),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(proxy === null ? {} : { proxy }),
  };
}

/** Takes the words that the apps take. Another one, such as `enabled`, would mean no TLS, and that in silence. */
function isSwitchedOn(name: string, word = 'false'): boolean {
  if (/^(?:true|1|yes|on)$/i.test(word)) return true;
  if (/^(?:false|0|no|off)$/i.test(word)) return false;
  throw new CliError('CLI_USAGE', `${name}: expected true or false`);
}

function proxyOf(target: Parameters<typeof chooseProxy>[1], env: Terminal['env']) {
  try {
    return chooseProxy(env, target);
  } catch (error) {
    throw new CliError('CLI_USAGE', describe(error, target.address), { cause: error });
  }
}

function contentOf(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError('CLI_USAGE', `${name}: the file cannot be read${systemCode(error)}`, { cause: error });
  }
}

function describe(error: unknown, address: string): string {
  if (error instanceof Error && error.name === 'TemporalSetupError') return error.message;
  // A gRPC error has the server's sentence; it names namespaces and ids, never payloads.
  const details: unknown =
    typeof error === 'object' && error !== null && 'details' in error ? error.details : null;
  const why = typeof details === 'string' && details !== '' ? `: ${details}` : '';
  return `the Temporal Service at ${address} failed${why}`;
}
