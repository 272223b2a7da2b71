import { availableParallelism, hostname } from 'node:os';
import { type NativeConnection, Worker, type DataConverter } from '@temporalio/worker';
import { activityTracing } from './activity-tracing.ts';
import { assertWorkerSizes } from './assert-worker-sizes.ts';
import { createDraining } from './draining.ts';
import { sizeWorkflowTasks } from './size-workflow-tasks.ts';
import { planSlots, type PoolClass, type SlotPreset } from './slots.ts';
import { createWorkerTuner } from './worker-tuner.ts';

/** Options of {@link createTemporalWorker}. */
export interface TemporalWorkerOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly taskQueue: string;
  /** From `readWorkflowBundle`; absent for a worker that runs activities only. */
  readonly workflowBundle?: { readonly code: string };
  readonly activities?: object;
  /** How many activities run at once; default `io`, up to 100. */
  readonly slots?: SlotPreset;
  /** Whether these activities go on, or give way, when the process runs short; default neither. */
  readonly pool?: PoolClass;
  /** Workflow tasks at once, from 2; default 40, but not more than `cachedWorkflows`. */
  readonly workflowTasks?: number;
  /** Pollers for workflow tasks, from 2; default 10, but not more than `workflowTasks`. */
  readonly workflowTaskPollers?: number;
  /** Workflow executions kept in memory; 0 is no cache. Default: by the memory of the container, see the README. */
  readonly cachedWorkflows?: number;
  /**
   * How long a workflow task waits for the worker that has its workflow cached before any other may take it, in
   * milliseconds; default 3 000 (the SDK's is 10 000). After a crash, workflows cached by that worker make no progress for that long.
   */
  readonly stickyTimeoutMs?: number;
  /**
   * Heartbeats of an activity are sent to the server at most this often, in milliseconds, and so it is how late an activity
   * learns of its cancellation; the SDK's default is 80 % of the heartbeat timeout, at most 60 000.
   */
  readonly heartbeatThrottleMs?: number;
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

/**
 * Creates a worker with a named identity, a bounded stop, sized slots and traced activities. Call `run()` on it.
 *
 * @throws {TemporalSetupError} TEMPORAL_WORKER_OPTIONS.
 */
export async function createTemporalWorker(options: TemporalWorkerOptions): Promise<Worker> {
  assertWorkerSizes(options);
  const graceMs = options.shutdownGraceMs ?? 10_000;
  const bundled = options.workflowBundle;
  const { deployment, slots = { kind: 'io' }, pool } = options;
  const plan = planSlots(slots, { cores: availableParallelism(), pool });
  const { workflowTasks, workflowTaskPollers, cachedWorkflows } = sizeWorkflowTasks(options);
  const draining = createDraining();
  const worker = await Worker.create({
    connection: options.connection,
    namespace: options.namespace,
    taskQueue: options.taskQueue,
    identity: options.identity ?? `${process.pid}@${hostname()}`,
    shutdownGraceTime: graceMs,
    shutdownForceTime: options.shutdownForceMs ?? graceMs + 5000,
    maxCachedWorkflows: cachedWorkflows,
    stickyQueueScheduleToStartTimeout: options.stickyTimeoutMs ?? 3000,
    ...(options.heartbeatThrottleMs === undefined
      ? {}
      : { maxHeartbeatThrottleInterval: options.heartbeatThrottleMs }),
    ...(bundled === undefined ? {} : { workflowBundle: bundled }),
    ...(options.activities === undefined ? {} : { activities: options.activities }),
    ...(options.dataConverter === undefined ? {} : { dataConverter: options.dataConverter }),
    tuner: createWorkerTuner(plan, workflowTasks),
    ...(plan.perSecond === undefined ? {} : { maxTaskQueueActivitiesPerSecond: plan.perSecond }),
    // The SDK has `maxConcurrentWorkflowTaskPolls` and `…ActivityTaskPolls` as well, and reads neither.
    workflowTaskPollerBehavior: { type: 'simple-maximum', maximum: workflowTaskPollers },
    activityTaskPollerBehavior: { type: 'simple-maximum', maximum: Math.min(10, plan.activities.maximum) },
    interceptors: { activity: [activityTracing, draining.interceptor] },
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
  return draining.watch(worker);
}
