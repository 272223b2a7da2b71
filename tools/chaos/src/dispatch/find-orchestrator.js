import { setTimeout as sleep } from 'node:timers/promises';
import { MONITOR_INSTANCES_ID } from '@heliograph/dispatch-workflows';
import { Client, Connection } from '@temporalio/client';

/**
 * @typedef {object} OrchestratorFinder
 * @property {(signal: AbortSignal) => Promise<{ identity: string, scanning: boolean } | null>} find the worker process
 *   that runs a scan right now, else the one that last had the orchestrator's workflow task; null where nobody can say
 * @property {() => Promise<void>} close
 */

const SCAN = 'readAndDispatch';
/** How long to look for a scan, in milliseconds; each stored issue starts one. */
const LOOK_MS = 4000;
const EVERY_MS = 15;

/**
 * Finds out in which process the orchestrator is at the moment.
 * @param {{ address: string, namespace: string }} options
 * @returns {Promise<OrchestratorFinder>}
 */
export async function createOrchestratorFinder({ address, namespace }) {
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });
  const handle = client.workflow.getHandle(MONITOR_INSTANCES_ID);
  const scanner = async () => {
    const { raw } = await handle.describe();
    const scan = (raw.pendingActivities ?? []).find(
      ({ activityType, state }) => activityType?.name === SCAN && Number(state) === PENDING_STARTED,
    );
    return scan?.lastWorkerIdentity ?? null;
  };
  const taskHolder = async () => {
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
        const identity = await scanner().catch(() => null);
        if (identity !== null && identity !== '') return { identity, scanning: true };
        await sleep(EVERY_MS, undefined, { signal });
      }
      const identity = await taskHolder().catch(() => null);
      return identity === null ? null : { identity, scanning: false };
    },
    close: () => connection.close(),
  };
}

/** `PendingActivityState.PENDING_ACTIVITY_STATE_STARTED`. */
const PENDING_STARTED = 2;
