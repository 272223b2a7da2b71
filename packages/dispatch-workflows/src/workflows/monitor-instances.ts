import {
  condition,
  continueAsNew,
  proxyActivities,
  setHandler,
  setWorkflowOptions,
  workflowInfo,
} from '@temporalio/workflow';
import type { DispatchActivities, OrchestratorInput, ScanState } from '../contract.ts';
import { wakeSignal } from './definitions.ts';

const { readAndDispatch } = proxyActivities<Pick<DispatchActivities, 'readAndDispatch'>>({
  startToCloseTimeout: '5 minutes',
  // How long nobody is told anything when a worker dies in the middle of a scan.
  heartbeatTimeout: '5 seconds',
  retry: { initialInterval: '200 milliseconds', maximumInterval: '5 seconds' },
});

/** Scans after which a run hands over to the next, so that its history stays bounded. */
const MAX_ITERATIONS = 200;

// It runs for ever: pinned to the version that started it, it would never see another.
// Only where workers are versioned at all: the server refuses a behaviour from one that is not.
setWorkflowOptions(
  () =>
    (workflowInfo().currentDeploymentVersion?.deploymentName ?? '') === ''
      ? {}
      : { versioningBehavior: 'AUTO_UPGRADE' },
  monitorInstances,
);

/**
 * The orchestrator: scan, dispatch, sleep, and carry the cursor on. One runs per namespace, under a fixed id. It
 * sleeps as long as the scan says and wakes early when an issue was stored.
 */
export async function monitorInstances(input: OrchestratorInput = {}): Promise<void> {
  let awake = false;
  setHandler(wakeSignal, () => {
    awake = true;
  });
  let scan: ScanState | null = input.scan ?? null;
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    // Cleared before the scan: what is stored while it reads wakes the next one.
    awake = false;
    const result = await readAndDispatch(scan);
    ({ scan } = result);
    if (workflowInfo().continueAsNewSuggested) break;
    if (result.nextScanInMs > 0) await condition(() => awake, result.nextScanInMs);
  }
  await continueAsNew<typeof monitorInstances>(scan === null ? {} : { scan });
}
