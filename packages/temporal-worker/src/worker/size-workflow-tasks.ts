import type { WorkerSizes } from './assert-worker-sizes.ts';
import { type ProcessMemory, readProcessMemory, sizeWorkflowCache } from './workflow-cache.ts';

/**
 * Fills in the sizes that were left out, so that no worker polls for more workflow tasks than it may run, nor runs more than
 * it may cache. `workers` of this process run workflows; default 1.
 */
export function sizeWorkflowTasks(
  sizes: Pick<WorkerSizes, 'workflowTasks' | 'workflowTaskPollers' | 'cachedWorkflows'>,
  {
    memory = readProcessMemory(),
    workers = 1,
  }: { readonly memory?: ProcessMemory; readonly workers?: number } = {},
): Required<typeof sizes> {
  const least = Math.max(sizes.workflowTasks ?? 0, sizes.workflowTaskPollers ?? 0);
  const cachedWorkflows = sizes.cachedWorkflows ?? Math.max(least, sizeWorkflowCache(memory, workers));
  const fitting = cachedWorkflows === 0 ? Number.POSITIVE_INFINITY : cachedWorkflows;
  const workflowTasks =
    sizes.workflowTasks ?? Math.max(sizes.workflowTaskPollers ?? 0, Math.min(40, fitting));
  return {
    cachedWorkflows,
    workflowTasks,
    workflowTaskPollers: sizes.workflowTaskPollers ?? Math.min(10, workflowTasks),
  };
}
