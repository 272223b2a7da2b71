import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { writeFileAtomically } from '../atomic-file.ts';
import type { Part, PartContext } from './part.ts';
import {
  dynamicConfig,
  dynamicConfigArguments,
  dynamicConfigYaml,
  serverYaml,
  type ServerTls,
} from './temporal-config.ts';
import { resolveTemporal, type TemporalBinary } from './temporal-resolver.ts';
import { OLDEST_SERVER, isAtLeast } from './temporal-version.ts';

export interface Layout {
  readonly port: number;
  readonly httpPort: number;
  readonly databaseFile: string;
  readonly config: ReturnType<typeof dynamicConfig>;
}

/**
 * Temporal Server 1.32 or newer on one SQLite file, loopback only. With `tls`, a plain server requires client certificates and
 * HELIOGRAPH_TEMPORAL_TLS is `true`; the server of the CLI cannot do that and leaves the variable out.
 */
export const createTemporalPart = (options: { readonly tls?: ServerTls } = {}): Part => ({
  name: 'temporal',
  after: [],
  async start({ directory, profile, port: choosePort, print, signal }) {
    const port = await choosePort('temporal', 17_233);
    const httpPort = await choosePort('temporal-http');
    const binary = await resolveTemporal({ environment: process.env, print, signal });
    const folder = join(directory, 'temporal');
    mkdirSync(folder, { recursive: true });
    const databaseFile = join(folder, 'temporal.sqlite');
    const config = dynamicConfig(profile);
    const args =
      binary.kind === 'cli'
        ? cliArguments({ port, httpPort, databaseFile, config })
        : await serverArguments({
            port,
            httpPort,
            folder,
            databaseFile,
            config,
            choosePort,
            tls: options.tls,
          });
    const address = `127.0.0.1:${port}`;
    const tls = binary.kind === 'server' ? options.tls : undefined;
    return {
      env: {
        HELIOGRAPH_TEMPORAL_ADDRESS: address,
        TEMPORAL_SERVER_IDENTITY: identityOf(binary),
        ...(tls === undefined ? {} : { HELIOGRAPH_TEMPORAL_TLS: 'true' }),
      },
      addresses: { HELIOGRAPH_TEMPORAL_ADDRESS: address },
      processes: [
        {
          name: 'temporal',
          what: `Temporal ${binary.serverVersion}`,
          command: binary.path,
          args,
          port,
          url: address,
          stopSignal: 'SIGTERM',
          stopGraceMs: 5_000,
          isReady: (probeSignal) =>
            tls === undefined
              ? isHealthy(httpPort, probeSignal)
              : isHealthyWithTls(httpPort, tls, probeSignal),
        },
      ],
    };
  },
});

/** The server as a stack has it unless another one is asked for. */
export const temporalPart = createTemporalPart();

/**
 * Names the server that was found: another one, or another file under the same path, has another name. Nx takes it into
 * the hash of the tests on real servers.
 */
function identityOf({ kind, serverVersion, path }: TemporalBinary): string {
  const { size, mtimeMs } = statSync(path);
  return `${kind} ${serverVersion} ${path} ${size} ${mtimeMs}`;
}

function cliArguments({ port, httpPort, databaseFile, config }: Layout): string[] {
  const flags = [
    '--ip',
    '127.0.0.1',
    '--port',
    String(port),
    '--http-port',
    String(httpPort),
    '--db-filename',
    databaseFile,
  ];
  const pragmas = ['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=1'];
  return [
    'server',
    'start-dev',
    '--headless',
    '--log-level',
    'warn',
    ...flags,
    ...pragmas,
    ...dynamicConfigArguments(config),
  ];
}

async function serverArguments({
  port,
  httpPort,
  folder,
  databaseFile,
  config,
  choosePort,
  tls,
}: Layout & {
  folder: string;
  choosePort: PartContext['port'];
  tls: ServerTls | undefined;
}): Promise<string[]> {
  const dynamicConfigFile = join(folder, 'dynamic-config.yaml');
  const configFile = join(folder, 'server.yaml');
  const ports = {
    frontend: port,
    frontendHttp: httpPort,
    frontendMembership: await choosePort('temporal-frontend-membership'),
    matching: await choosePort('temporal-matching'),
    matchingMembership: await choosePort('temporal-matching-membership'),
    history: await choosePort('temporal-history'),
    historyMembership: await choosePort('temporal-history-membership'),
    worker: await choosePort('temporal-worker'),
    workerMembership: await choosePort('temporal-worker-membership'),
  };
  writeFileAtomically(dynamicConfigFile, dynamicConfigYaml(config));
  writeFileAtomically(configFile, serverYaml({ ports, databaseFile, dynamicConfigFile, tls }));
  return ['--config-file', configFile, '--allow-no-auth', 'start'];
}

/** Says whether the server answers with a version that will do. */
async function isHealthy(httpPort: number, signal: AbortSignal): Promise<boolean> {
  const origin = `http://127.0.0.1:${httpPort}/api/v1`;
  const response = await fetch(`${origin}/system-info`, { signal });
  if (!response.ok) return false;
  const info = await response.json();
  if (!isRecentServer(info)) return false;
  // This one reads the database.
  const namespaces = await fetch(`${origin}/namespaces?pageSize=1`, { signal });
  await namespaces.arrayBuffer();
  return namespaces.ok;
}

/** The same with a client certificate, which `fetch` cannot present. */
async function isHealthyWithTls(httpPort: number, tls: ServerTls, signal: AbortSignal): Promise<boolean> {
  const body = await new Promise<string>((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port: httpPort,
      path: '/api/v1/system-info',
      servername: tls.serverName,
      ca: readFileSync(tls.caFile),
      cert: readFileSync(tls.clientCertFile),
      key: readFileSync(tls.clientKeyFile),
      agent: false,
      signal,
    };
    get(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('end', () => resolve(text)).once('error', reject);
    }).once('error', reject);
  });
  return isRecentServer(JSON.parse(body));
}

function isRecentServer(info: unknown): boolean {
  if (typeof info !== 'object' || info === null || !('serverVersion' in info)) return false;
  return isAtLeast(String(info.serverVersion), OLDEST_SERVER);
}
