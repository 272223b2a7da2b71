import { hostname } from 'node:os';
import { NativeConnection, Worker, type DataConverter, type WorkerOptions } from '@temporalio/worker';
import { connectFailed, connectionSecurity, type TemporalAddress } from '../client/connect.ts';
import { activityTracing } from './activity-tracing.ts';

/**
 * What a pool of workers spends its time on.
 *
 * - `cpu`: activities compute; as many slots as cores.
 * - `io`: activities wait for databases and providers; many slots.
 * - `provider`: activities call one provider; exactly its limit.
 */
export type SlotPreset =
  | { readonly kind: 'cpu'; readonly cores: number }
  | { readonly kind: 'io'; readonly activities?: number }
  | { readonly kind: 'provider'; readonly concurrency: number; readonly perSecond?: number };

/** Options of {@link createTemporalWorker}. */
export interface TemporalWorkerOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly taskQueue: string;
  /** From `readWorkflowBundle`; absent for a worker that runs activities only. */
  readonly workflowBundle?: { readonly code: string };
  readonly activities?: object;
  readonly slots?: SlotPreset;
  /** Workflow tasks at once; default 40. */
  readonly workflowTasks?: number;
  /** Pollers for workflow tasks; default 5 (10 sticky and normal together is the SDK's). */
  readonly workflowTaskPollers?: number;
  /** Workflow executions kept in memory; default 600. Each costs 100 KB to 1 MB of heap. */
  readonly cachedWorkflows?: number;
  /**
   * How long a workflow task waits for the worker that has its workflow cached before any other may take it, in
   * milliseconds; default 3 000 (the SDK's is 10 000). After a crash, workflows cached by that worker make no progress for that long.
   */
  readonly stickyTimeoutMs?: number;
  /** Shown by the server as the worker; default `<pid>@<host>`. In a cluster, use the pod's name. */
  readonly identity?: string;
  /** How long running activities may continue after a stop is requested, in milliseconds; default 10 000. */
  readonly shutdownGraceMs?: number;
  /** How long until the stop is forced, in milliseconds; default grace + 5 000. */
  readonly shutdownForceMs?: number;
  /** Enables worker versioning: the deployment's name and this build. Workflows are pinned unless they declare otherwise. */
  readonly deployment?: { readonly name: string; readonly buildId: string };
  readonly dataConverter?: DataConverter;
}

/** Connects a process that runs workers. `@throws {TemporalSetupError} TEMPORAL_CONNECT_FAILED`, retryable. */
export async function connectWorker(address: TemporalAddress): Promise<NativeConnection> {
  const security = connectionSecurity(address);
  try {
    return await NativeConnection.connect({ address: address.address, ...security });
  } catch (error) {
    throw connectFailed(address.address, error);
  }
}

/** Creates a worker with a named identity, a bounded stop, sized slots and traced activities. Call `run()` on it. */
export async function createTemporalWorker(options: TemporalWorkerOptions): Promise<Worker> {
  const graceMs = options.shutdownGraceMs ?? 10_000;
  const bundled = options.workflowBundle;
  const { deployment } = options;
  return Worker.create({
    connection: options.connection,
    namespace: options.namespace,
    taskQueue: options.taskQueue,
    identity: options.identity ?? `${process.pid}@${hostname()}`,
    shutdownGraceTime: graceMs,
    shutdownForceTime: options.shutdownForceMs ?? graceMs + 5000,
    maxCachedWorkflows: options.cachedWorkflows ?? 600,
    stickyQueueScheduleToStartTimeout: options.stickyTimeoutMs ?? 3000,
    ...(bundled === undefined ? {} : { workflowBundle: bundled }),
    ...(options.activities === undefined ? {} : { activities: options.activities }),
    ...(options.dataConverter === undefined ? {} : { dataConverter: options.dataConverter }),
    ...slotOptions(options.slots ?? { kind: 'io' }),
    maxConcurrentWorkflowTaskExecutions: options.workflowTasks ?? 40,
    maxConcurrentWorkflowTaskPolls: options.workflowTaskPollers ?? 5,
    interceptors: { activity: [activityTracing] },
    ...(deployment === undefined
      ? {}
      : {
          workerDeploymentOptions: {
            version: { deploymentName: deployment.name, buildId: deployment.buildId },
            useWorkerVersioning: true,
            defaultVersioningBehavior: 'PINNED',
          },
        }),
  });
}

/** The SDK's slot options for a preset. */
export function slotOptions(preset: SlotPreset): Partial<WorkerOptions> {
  switch (preset.kind) {
    case 'cpu':
      return {
        maxConcurrentActivityTaskExecutions: preset.cores,
        maxConcurrentLocalActivityExecutions: preset.cores * 2,
      };
    case 'io':
      return {
        maxConcurrentActivityTaskExecutions: preset.activities ?? 100,
        maxConcurrentLocalActivityExecutions: 100,
      };
    case 'provider':
      return {
        maxConcurrentActivityTaskExecutions: preset.concurrency,
        ...(preset.perSecond === undefined ? {} : { maxTaskQueueActivitiesPerSecond: preset.perSecond }),
      };
  }
}
