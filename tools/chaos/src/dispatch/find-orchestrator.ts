import { setTimeout as sleep } from 'node:timers/promises';
import { MONITOR_INSTANCES_ID } from '@heliograph/dispatch-workflows';
import { Client, Connection } from '@temporalio/client';

export interface OrchestratorFinder {
  /**
   * Finds the worker process that runs a scan right now, otherwise the one that last had the orchestrator's workflow
   * task; null if neither is known.
   */
  find(signal: AbortSignal): Promise<{ readonly identity: string; readonly isScanning: boolean } | null>;
  close(): Promise<void>;
}

const SCAN = 'readAndDispatch';
/** How long to look for a scan, in milliseconds; each stored issue starts one. */
const LOOK_MS = 4000;
const EVERY_MS = 15;
/** `PendingActivityState.PENDING_ACTIVITY_STATE_STARTED`. */
const PENDING_STARTED = 2;

/** Creates a finder of the process that runs the orchestrator at the moment. */
export async function createOrchestratorFinder(options: {
  readonly address: string;
  readonly namespace: string;
}): Promise<OrchestratorFinder> {
  const { address, namespace } = options;
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });
  const handle = client.workflow.getHandle(MONITOR_INSTANCES_ID);
  const findScanner = async (): Promise<string | null> => {
    const { raw } = await handle.describe();
    const scan = (raw.pendingActivities ?? []).find(
      ({ activityType, state }) => activityType?.name === SCAN && Number(state) === PENDING_STARTED,
    );
    return scan?.lastWorkerIdentity ?? null;
  };
  const findTaskHolder = async (): Promise<string | null> => {
    const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
      namespace,
      execution: { workflowId: MONITOR_INSTANCES_ID },
      maximumPageSize: 50,
    });
    for (const { workflowTaskStartedEventAttributes: started } of history?.events ?? []) {
      if (started?.identity) return started.identity;
    }
    return null;
  };
  return {
    async find(signal) {
      const deadline = performance.now() + LOOK_MS;
      while (performance.now() < deadline) {
        const identity = await findScanner().catch(() => null);
        if (identity !== null && identity !== '') return { identity, isScanning: true };
        await sleep(EVERY_MS, undefined, { signal });
      }
      const identity = await findTaskHolder().catch(() => null);
      return identity === null ? null : { identity, isScanning: false };
    },
    close: () => connection.close(),
  };
}
