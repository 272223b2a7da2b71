import { type WorkflowInterceptorsFactory, workflowInfo } from '@temporalio/workflow';
import { getActivator } from '@temporalio/workflow/lib/global-attributes.js';

/**
 * Sends the versioning behaviour that a workflow declares by `setWorkflowOptions`, and only from a versioned worker: the server
 * refuses it from any other, and the SDK would send what it found when the run was read into memory. It is asked anew for every
 * workflow task, so a run may move between unversioned and versioned workers in both directions. Nothing of it is in a history.
 */
export const interceptors: WorkflowInterceptorsFactory = () => ({
  internals: [
    {
      activate(input, next) {
        next(input);
        const activator = getActivator();
        const { workflow } = activator;
        if (workflow === undefined || !('workflowDefinitionOptions' in workflow)) return;
        const declared = workflow.workflowDefinitionOptions;
        // A function was evaluated by the SDK, and its author knows what kinds of worker there are.
        if (typeof declared === 'function') return;
        const isVersioned = (workflowInfo().currentDeploymentVersion?.deploymentName ?? '') !== '';
        if (isVersioned && declared.versioningBehavior !== undefined)
          activator.versioningBehavior = declared.versioningBehavior;
        else delete activator.versioningBehavior;
      },
    },
  ],
});
