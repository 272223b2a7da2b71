import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import { DISPATCH_TASK_QUEUE, MONITOR_INSTANCES, MONITOR_INSTANCES_ID } from '../contract/names.ts';
import { wakeSignal } from '../contract/signals.ts';

/** Its tasks take milliseconds; one that died with its worker is dispatched again after so long. */
const TASK_TIMEOUT_MS = 3000;

/** Starts the orchestrator unless it runs; there is never a second one. */
export async function startOrchestrator(
  client: Client,
  taskQueue: string = DISPATCH_TASK_QUEUE,
): Promise<void> {
  try {
    await client.workflow.start(MONITOR_INSTANCES, {
      workflowId: MONITOR_INSTANCES_ID,
      taskQueue,
      args: [{}],
      workflowTaskTimeout: TASK_TIMEOUT_MS,
      workflowIdConflictPolicy: 'USE_EXISTING',
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

/**
 * Restarts the orchestrator where it was ended; checks every `everyMs` milliseconds (default 30 000). Without it, issues
 * that bypass the API would wait until the next one arrives through it.
 */
export function keepOrchestratorRunning(
  client: Client,
  options: {
    readonly everyMs?: number;
    readonly taskQueue?: string;
    readonly onError?: (error: unknown) => void;
  } = {},
): { stop(): void } {
  const timer = setInterval(() => {
    startOrchestrator(client, options.taskQueue).catch((error: unknown) => options.onError?.(error));
  }, options.everyMs ?? 30_000);
  return { stop: () => clearInterval(timer) };
}

/** Wakes the orchestrator, starting it where it does not run. */
export async function wakeOrchestrator(
  client: Client,
  taskQueue: string = DISPATCH_TASK_QUEUE,
): Promise<void> {
  await client.workflow.signalWithStart(MONITOR_INSTANCES, {
    workflowId: MONITOR_INSTANCES_ID,
    taskQueue,
    args: [{}],
    workflowTaskTimeout: TASK_TIMEOUT_MS,
    signal: wakeSignal,
  });
}
