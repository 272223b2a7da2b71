import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomically } from '../atomic-file.ts';
import type { Part, PartContext } from './part.ts';
import { dynamicConfig, dynamicConfigArguments, dynamicConfigYaml, serverYaml } from './temporal-config.ts';
import { resolveTemporal, type TemporalBinary } from './temporal-resolver.ts';
import { OLDEST_SERVER, isAtLeast } from './temporal-version.ts';

export interface Layout {
  readonly port: number;
  readonly httpPort: number;
  readonly databaseFile: string;
  readonly config: ReturnType<typeof dynamicConfig>;
}

/** Temporal Server 1.32 or newer on one SQLite file, loopback only. */
export const temporalPart: Part = {
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
        : await serverArguments({ port, httpPort, folder, databaseFile, config, choosePort });
    const address = `127.0.0.1:${port}`;
    return {
      env: { HELIOGRAPH_TEMPORAL_ADDRESS: address, TEMPORAL_SERVER_IDENTITY: identityOf(binary) },
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
          isReady: (probeSignal) => isHealthy(httpPort, probeSignal),
        },
      ],
    };
  },
};

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
}: Layout & { folder: string; choosePort: PartContext['port'] }): Promise<string[]> {
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
  writeFileAtomically(configFile, serverYaml({ ports, databaseFile, dynamicConfigFile }));
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

function isRecentServer(info: unknown): boolean {
  if (typeof info !== 'object' || info === null || !('serverVersion' in info)) return false;
  return isAtLeast(String(info.serverVersion), OLDEST_SERVER);
}
