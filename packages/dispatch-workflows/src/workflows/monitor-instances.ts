import {
  condition,
  continueAsNew,
  patched,
  proxyActivities,
  setHandler,
  setWorkflowOptions,
  workflowInfo,
} from '@temporalio/workflow';
import { activityOptions } from '@heliograph/temporal-worker/policies';
import { DISPATCH_CLASSES } from '../contract/activity-classes.ts';
import type { DispatchActivities } from '../contract/dispatch-activities.ts';
import type { ScanState } from '../contract/scan-state.ts';
import type { OrchestratorInput } from '../contract/workflow-inputs.ts';
import { wakeSignal } from '../contract/signals.ts';

const { readAndDispatch } = proxyActivities<Pick<DispatchActivities, 'readAndDispatch'>>(
  activityOptions(DISPATCH_CLASSES.scan),
);

const { sweepResolveDebt } = proxyActivities<Pick<DispatchActivities, 'sweepResolveDebt'>>(
  activityOptions(DISPATCH_CLASSES.sweep),
);

/** The pause before the first sweep, and after a failed one, in milliseconds. */
const SWEEP_AGAIN_MS = 60_000;

/** Scans after which a run hands over to the next, so that its history stays bounded. */
const MAX_ITERATIONS = 200;

// It runs for ever: pinned to the build that started it, it would never see another. Its code changes behind `patched`.
setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, monitorInstances);

/**
 * The orchestrator: scans, dispatches, sweeps, sleeps, and carries the cursor over. One runs per namespace, under a fixed
 * id. It sleeps as long as the scan says and wakes early when an issue was stored.
 */
export async function monitorInstances(input: OrchestratorInput = {}): Promise<void> {
  let awake = false;
  setHandler(wakeSignal, () => {
    awake = true;
  });
  let scan: ScanState | null = input.scan ?? null;
  let nextSweepAt = input.nextSweepAt ?? Date.now() + SWEEP_AGAIN_MS;
  let sweeping = false;
  // Beside the scans, which do not wait for it; what one sweep misses the next one finds.
  const sweep = async (): Promise<void> => {
    sweeping = true;
    let nextSweepInMs = SWEEP_AGAIN_MS;
    try {
      ({ nextSweepInMs } = await sweepResolveDebt(scan?.cursor.position ?? null));
    } catch {
      // Cancelled, the main line ends as well.
    }
    nextSweepAt = Date.now() + nextSweepInMs;
    sweeping = false;
  };
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    // Cleared before the scan: what is stored while it reads wakes the next one.
    awake = false;
    const result = await readAndDispatch(scan);
    ({ scan } = result);
    if (workflowInfo().continueAsNewSuggested) break;
    // Asked only when a sweep is due: a run that ends earlier records nothing of it.
    if (!sweeping && Date.now() >= nextSweepAt && patched('resolve-debt')) void sweep();
    if (result.nextScanInMs > 0) await condition(() => awake, result.nextScanInMs);
  }
  await continueAsNew<typeof monitorInstances>({ ...(scan === null ? {} : { scan }), nextSweepAt });
}
