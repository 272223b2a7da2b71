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
import type { DispatchActivities } from '../contract/dispatch-activities.ts';
import type { AlertInput, AlertResult } from '../contract/workflow-inputs.ts';
import { DELIVERY_TASK_QUEUE } from '../contract/names.ts';
import { type RunPorts, runAlertStream, type Step } from '../stream/run-alert-stream.ts';
import { issueSignal } from '../contract/signals.ts';

/** A first attempt inside the workflow task; it must end well before the task's own timeout of 10 s. */
const quick = proxyLocalActivities<DispatchActivities>({
  startToCloseTimeout: '3 seconds',
  scheduleToCloseTimeout: '4 seconds',
  retry: { maximumAttempts: 1 },
});

/** Waits are short inside, so an attempt ends within minutes; what keeps failing ends with the notification's life. */
const patient = proxyActivities<DispatchActivities>({
  taskQueue: DELIVERY_TASK_QUEUE,
  startToCloseTimeout: '5 minutes',
  scheduleToCloseTimeout: '70 minutes',
  heartbeatTimeout: '15 seconds',
  // Asked to come back, it says what became of the attempt on its way.
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '500 milliseconds', maximumInterval: '10 seconds' },
});

const store = proxyActivities<DispatchActivities>({
  startToCloseTimeout: '5 seconds',
  retry: { initialInterval: '200 milliseconds', maximumInterval: '5 seconds' },
});

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
