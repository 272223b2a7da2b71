import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { findUnusedPort } from '@heliograph/simulators';
import { eventually, type FreshNamespace, stackAddresses } from '@heliograph/testkit';
import { keyRing } from './key-ring.ts';

/** Seals the secrets of connected apps, in the workers here and in stores beside them. */
export const SEALING_KEYS = `k1:${Buffer.alloc(32, 3).toString('base64url')}`;

/** Where a worker works. */
export interface WorkerGround {
  readonly postgresUrl: string;
  readonly clickhouseDatabase: string;
  readonly temporal: Pick<FreshNamespace, 'address' | 'namespace'>;
}

/** Starts the worker of the build under a name, and resolves once it is ready; `children` then holds its process. */
export async function startWorker(
  name: string,
  { postgresUrl, clickhouseDatabase, temporal }: WorkerGround,
  children: ChildProcess[],
  env: Readonly<Record<string, string>> = {},
): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['dist/main.js', 'worker'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: {
      HELIOGRAPH_POSTGRES_URL: postgresUrl,
      HELIOGRAPH_CLICKHOUSE_URL: stackAddresses().clickhouseUrl,
      HELIOGRAPH_CLICKHOUSE_DATABASE: clickhouseDatabase,
      HELIOGRAPH_TEMPORAL_ADDRESS: temporal.address,
      HELIOGRAPH_TEMPORAL_NAMESPACE: temporal.namespace,
      HELIOGRAPH_TEMPORAL_SETUP: 'true',
      HELIOGRAPH_SEALING_KEYS: SEALING_KEYS,
      HELIOGRAPH_CODEC_KEYS: keyRing('dispatch'),
      HELIOGRAPH_ALLOW_PRIVATE_ADDRESSES: 'true',
      HELIOGRAPH_HTTP_PORT: '0',
      HELIOGRAPH_WORKER_METRICS_PORT: String(await findUnusedPort()),
      HELIOGRAPH_WORKER_IDENTITY: name,
      HELIOGRAPH_SCAN_INTERVAL_MS: '200',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const isReady = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`${name} ended: ${output}`);
    const url = /"url":"(http:[^"]+)"/.exec(output)?.[1];
    return url !== undefined && (await fetch(`${url}/readyz`)).ok;
  };
  await eventually(`${name} is ready`, isReady, { timeoutMs: 40_000 });
  return child;
}

/** Kills a process as a lost machine does: it cannot hand anything over. */
export async function killNow(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'close');
  child.kill('SIGKILL');
  await ended;
}
