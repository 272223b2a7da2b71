import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import { DISPATCH_TASK_QUEUE, MONITOR_INSTANCES, MONITOR_INSTANCES_ID } from '../contract.ts';
import { wakeSignal } from '../workflows/definitions.ts';

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
      workflowIdConflictPolicy: 'USE_EXISTING',
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
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
    signal: wakeSignal,
  });
}

/**
 * Makes many wishes into few calls: the first runs at once, those that come within `windowMs` (default 100) or
 * while a call runs are one call afterwards. A call that fails is only reported: the scan at the end of the
 * orchestrator's interval makes up for it.
 */
export function coalesced(
  call: () => Promise<void>,
  options: { readonly windowMs?: number; readonly onError?: (error: unknown) => void } = {},
): { request(): void; stop(): void } {
  const windowMs = options.windowMs ?? 100;
  let busy = false;
  let again = false;
  let timer: NodeJS.Timeout | undefined;
  const run = async (): Promise<void> => {
    busy = true;
    again = false;
    const startedAt = performance.now();
    try {
      await call();
    } catch (error) {
      options.onError?.(error);
    }
    timer = setTimeout(
      () => {
        busy = false;
        if (again) void run();
      },
      Math.max(0, windowMs - (performance.now() - startedAt)),
    );
  };
  return {
    request() {
      again = true;
      if (!busy) void run();
    },
    stop() {
      busy = true;
      clearTimeout(timer);
    },
  };
}
