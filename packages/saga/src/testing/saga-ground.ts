import { fileURLToPath } from 'node:url';
import { freshNamespace, skipTime } from '@heliograph/testkit';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import {
  bundleWorkflowCode,
  DefaultLogger,
  type NativeConnection,
  Runtime,
  Worker,
  type WorkflowBundle,
} from '@temporalio/worker';

/** The task queue of the workflows of these tests. */
export const TASK_QUEUE = 'saga';

/** Keeps the SDK quiet about failures that a test wants; call it before anything else. */
export function installQuietRuntime(): void {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: 'ERROR', forward: {} } },
  });
}

/** Bundles the workflows of the tests, or others, from source. */
export function bundleFromSource(
  workflows: URL = new URL('saga-workflows.ts', import.meta.url),
): Promise<WorkflowBundle> {
  return bundleWorkflowCode({
    workflowsPath: fileURLToPath(workflows),
    logger: new DefaultLogger('WARN'),
    webpackConfigHook: (config) => ({
      ...config,
      resolve: { ...config.resolve, conditionNames: ['@heliograph/source', '...'] },
    }),
  });
}

/** A worker of the tests. Workflows that a killed worker had cached go on after 200 ms. */
export function createSagaWorker(options: {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly workflowBundle: WorkflowBundle;
  readonly activities: object;
  readonly taskQueue?: string;
}): Promise<Worker> {
  return Worker.create({
    taskQueue: TASK_QUEUE,
    ...options,
    identity: 'tester',
    shutdownGraceTime: 1000,
    stickyQueueScheduleToStartTimeout: 200,
    maxHeartbeatThrottleInterval: 100,
  });
}

/** A namespace with a client whose workflows live in virtual time, and one whose workflows do not. */
export async function sagaGround(label: string) {
  const temporal = await freshNamespace(label);
  const { address, connection, namespace, nativeConnection } = temporal;
  const skipping = skipTime(await Connection.connect({ address }));
  return {
    ...temporal,
    client: new Client({ connection, namespace, identity: 'tester' }),
    skippingClient: new Client({ connection: skipping, namespace, identity: 'tester' }),
    worker: (workflowBundle: WorkflowBundle, activities: object, taskQueue = TASK_QUEUE) =>
      createSagaWorker({ connection: nativeConnection, namespace, workflowBundle, activities, taskQueue }),
    async close() {
      await skipping.close();
      return temporal.close();
    },
  };
}

/** How an execution ended, through all its runs. */
export async function endOf(
  handle: WorkflowHandle,
): Promise<{ readonly result?: unknown; readonly error?: unknown }> {
  try {
    return { result: await handle.result() };
  } catch (error) {
    return { error };
  }
}
