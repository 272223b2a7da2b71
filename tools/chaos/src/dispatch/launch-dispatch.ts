import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeProcesses, loadApp, type AppProcessSpec, type Stack } from '@heliograph/stack';

/** The ClickHouse database of a chaos run. */
export const DATABASE = 'heliograph';
/** The Temporal namespace of a chaos run. */
export const NAMESPACE = 'heliograph';
/** The worker processes; the name is also the identity that Temporal knows. */
export const WORKERS: readonly string[] = ['worker-1', 'worker-2'];

const KEEPER = fileURLToPath(new URL('../keep-running.ts', import.meta.url));

/** The real API and two workers, kept running by the stack like its servers. */
export interface RunningDispatch {
  readonly apiUrl: string;
  /** Gives the pid of a worker; undefined while it does not run. */
  workerPid(name: string): number | undefined;
  isWorkerReady(name: string): Promise<boolean>;
}

/** Starts the API and the workers; the workers reach their databases through the ports of proxies. */
export async function launchDispatch(
  root: string,
  stack: Stack,
  proxyPorts: { readonly postgres: number; readonly clickhouse: number },
  { maxRunningAlerts }: { readonly maxRunningAlerts?: number | undefined } = {},
): Promise<RunningDispatch> {
  const through = (name: string, port: number): string => {
    const url = new URL(stack.env[name] ?? '');
    url.port = String(port);
    return url.href;
  };
  const pidFile = (name: string): string => join(stack.directory, `${name}.pid`);
  const [first, ...others] = await describeProcesses(await loadApp(root, 'dispatch-center'), stack, {
    env: { HELIOGRAPH_CLICKHOUSE_DATABASE: DATABASE, HELIOGRAPH_TEMPORAL_NAMESPACE: NAMESPACE },
    processes: [
      ...WORKERS.map((name) => ({
        role: 'worker',
        name,
        wrap: [process.execPath, KEEPER, pidFile(name)],
        env: {
          HELIOGRAPH_WORKER_IDENTITY: name,
          HELIOGRAPH_POSTGRES_URL: through('HELIOGRAPH_POSTGRES_URL', proxyPorts.postgres),
          HELIOGRAPH_CLICKHOUSE_URL: through('HELIOGRAPH_CLICKHOUSE_URL', proxyPorts.clickhouse),
          ...(maxRunningAlerts === undefined
            ? {}
            : { HELIOGRAPH_MAX_RUNNING_ALERTS: String(maxRunningAlerts) }),
          HELIOGRAPH_SCAN_INTERVAL_MS: '2000',
          // So that the sweep resends a permanently refused resolve before the run ends.
          HELIOGRAPH_SWEEP_INTERVAL_MS: '5000',
          HELIOGRAPH_RESOLVE_RETRY_MS: '5000',
        },
      })),
      { role: 'api', name: 'api' },
    ],
  });
  // The first one creates the namespace, the others find it.
  if (first !== undefined) await stack.run([first]);
  await stack.run(others);
  const specOf = (name: string): AppProcessSpec | undefined =>
    [first, ...others].find((spec) => spec?.name === name);
  return {
    apiUrl: specOf('api')?.url ?? '',
    workerPid(name) {
      const pid = Number(readFileSync(pidFile(name), 'utf8'));
      return pid > 0 ? pid : undefined;
    },
    isWorkerReady: async (name) => {
      const ready = specOf(name)?.isReady(AbortSignal.timeout(2000));
      return (await ready?.catch(() => false)) ?? false;
    },
  };
}
