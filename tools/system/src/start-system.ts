import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createDispatchClient, type DispatchClient } from '@heliograph/dispatch-api';
import { startNotificationSink, type NotificationSink } from '@heliograph/simulators';
import { describeProcesses, loadApp, startStack, type Environment, type Stack } from '@heliograph/stack';
import { Client, Connection } from '@temporalio/client';
import postgres from 'postgres';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Namespace of the workflows. */
const NAMESPACE = 'heliograph';

/** The Dispatch Center on a stack of its own, as `npm start` runs it, with a receiver. */
export interface System {
  readonly stack: Stack;
  readonly client: DispatchClient;
  /** Of the worker's edge, which serves its metrics. */
  readonly workerUrl: string;
  /** Empty without a codec server. */
  readonly codecServerUrl: string;
  readonly sink: NotificationSink;
  readonly sql: postgres.Sql;
  /** Sees what the Temporal Server holds: it has no codec. */
  readonly temporal: Client;
  /** The key ring that API and worker follow. */
  readonly keyFile: string;
  stop(): Promise<void>;
}

/**
 * Starts the system; the apps are built already. `env` overrides what the Dispatch Center's definition says. With
 * `codecServer`, which overrides that of the codec server, there is one.
 */
export async function startSystem(env: Environment = {}, codecServer?: Environment): Promise<System> {
  const directory = mkdtempSync(join(tmpdir(), 'heliograph-system-'));
  const stops: (() => Promise<unknown>)[] = [async () => rmSync(directory, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (const each of stops.toReversed()) await each();
  };
  try {
    const stack = await startStack({ directory: join(directory, 'state') });
    stops.push(() => stack.stop());
    const sink = await startNotificationSink();
    stops.push(() => sink.close());
    const specs = await describeProcesses(await loadApp(root, 'dispatch-center'), stack, {
      env: { HELIOGRAPH_SCAN_INTERVAL_MS: '1000', ...env },
      processes: [{ role: 'worker' }, { role: 'api' }],
    });
    await stack.run(specs);
    const ofCodecServer =
      codecServer === undefined
        ? []
        : await describeProcesses(await loadApp(root, 'codec-server'), stack, { env: codecServer });
    await stack.run(ofCodecServer);
    const urlOf = (role: string): string => specs.find((spec) => spec.role === role)?.url ?? '';
    const sql = postgres(stack.env['HELIOGRAPH_POSTGRES_URL'] ?? '', { max: 2, onnotice: () => undefined });
    stops.push(() => sql.end({ timeout: 5 }));
    const connection = await Connection.connect({ address: stack.env['HELIOGRAPH_TEMPORAL_ADDRESS'] ?? '' });
    stops.push(() => connection.close());
    return {
      stack,
      sink,
      sql,
      client: createDispatchClient({ url: urlOf('api'), apiKey: stack.secret('dispatch-center-api-key') }),
      workerUrl: urlOf('worker'),
      codecServerUrl: ofCodecServer[0]?.url ?? '',
      temporal: new Client({ connection, namespace: NAMESPACE }),
      keyFile: stack.keyRingFile('dispatch'),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
