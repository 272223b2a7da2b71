import type { WorkerTuner } from '@temporalio/worker';
import { sharedResourceController } from './resource-controller.ts';
import type { SlotPlan } from './slots.ts';

/** Nexus tasks are the SDK's to bound: no preset plans for them. */
const NEXUS_TASKS = 100;

/** Makes the SDK's tuner for planned slots. Only one whose activities are not all guaranteed measures resources. */
export function createWorkerTuner(plan: SlotPlan, workflowTasks: number): WorkerTuner {
  const { guaranteed, maximum } = plan.activities;
  return {
    // These run within milliseconds, and local activities inside of a workflow task: a wait for room would only make the
    // server give the task to another worker.
    workflowTaskSlotSupplier: { type: 'fixed-size', numSlots: workflowTasks },
    localActivityTaskSlotSupplier: { type: 'fixed-size', numSlots: plan.localActivities },
    nexusTaskSlotSupplier: { type: 'fixed-size', numSlots: NEXUS_TASKS },
    activityTaskSlotSupplier:
      guaranteed === maximum
        ? { type: 'fixed-size', numSlots: maximum }
        : {
            type: 'resource-based',
            controller: sharedResourceController(),
            minimumSlots: guaranteed,
            maximumSlots: maximum,
            // It would delay every slot above the guaranteed ones, not only the first time: 50 ms, the SDK's default, is
            // 20 activities per second.
            rampThrottle: 0,
          },
  };
}
