import {
  ActivityCancellationType,
  CancellationScope,
  isCancellation,
  makeContinueAsNewFunc,
  patched,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  setWorkflowOptions,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { activityOptions, localActivityOptions } from '@heliograph/temporal-worker/policies';
import { DISPATCH_CLASSES } from '../contract/activity-classes.ts';
import type { DispatchActivities } from '../contract/dispatch-activities.ts';
import type { AlertInput, AlertResult } from '../contract/workflow-inputs.ts';
import { DELIVERY_TASK_QUEUE } from '../contract/names.ts';
import { type RunPorts, runAlertStream, type Step } from '../stream/run-alert-stream.ts';
import { issueSignal } from '../contract/signals.ts';

const quick = proxyLocalActivities<DispatchActivities>(localActivityOptions(DISPATCH_CLASSES.quick));

const patient = proxyActivities<DispatchActivities>(
  activityOptions(DISPATCH_CLASSES.patient, {
    taskQueue: DELIVERY_TASK_QUEUE,
    // Asked to come back, it says what became of the attempt on its way.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  }),
);

const store = proxyActivities<DispatchActivities>(activityOptions(DISPATCH_CLASSES.store));

/** Signals after which a run hands over to the next; the server's limit is 10 000. */
const MAX_SIGNALS_PER_RUN = 2000;
const MAX_CARRIED_SIGNALS = 500;

// A run ends within moments or minutes, so it stays on the build that started it. One whose signals never cease would keep that
// build for ever: where it hands over, the next run starts on the current build and is pinned to that.
setWorkflowOptions({ versioningBehavior: 'PINNED' }, monitorInstanceAlert);
const NEXT_RUN = { initialVersioningBehavior: 'AUTO_UPGRADE' } as const;

/**
 * One alert stream, as long as it has something to do: collect signals, decide, deliver, record. It ends when its
 * inbox is empty; the next signal starts it again under the same id with the state that it recorded.
 */
export function monitorInstanceAlert(input: AlertInput): Promise<AlertResult> {
  // Asked only where the answer makes a difference: each answer costs two events, and most executions never meet one
  // of these cases.
  return runAlertStream(
    input,
    alertPorts((patch) => patched(patch)),
  );
}

/** The ports of a run in this workflow, with the later behaviour that `hasPatch` grants. */
export function alertPorts(hasPatch: RunPorts['hasPatch']): RunPorts {
  return {
    now: () => Date.now(),
    onSignal: (take) => setHandler(issueSignal, take),
    quick,
    store,
    startDelivery: (order) => startStep(() => patient.deliverPatiently(order)),
    startTimer: (ms) => startStep(() => sleep(ms)),
    isCancellation,
    hasPatch,
    isLong: () => workflowInfo().continueAsNewSuggested,
    continueAsNew: (next) => makeContinueAsNewFunc<typeof monitorInstanceAlert>(NEXT_RUN)(next),
    maxSignals: MAX_SIGNALS_PER_RUN,
    maxCarriedSignals: MAX_CARRIED_SIGNALS,
  };
}

function startStep<T>(start: () => Promise<T>): Step<T> {
  const scope = new CancellationScope();
  return {
    result: scope.run(start),
    leave: () => scope.cancel(),
    wasLeft: () => scope.consideredCancelled && !CancellationScope.current().consideredCancelled,
  };
}
