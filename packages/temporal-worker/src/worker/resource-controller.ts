import { ResourceBasedController } from '@temporalio/worker';

/**
 * Shares of memory and CPU up to which slots above the guaranteed ones are granted. The SDK measures what the container
 * may use where its limits are set (CPU: cgroup v2), otherwise the whole machine.
 */
const TARGETS = { targetMemoryUsage: 0.8, targetCpuUsage: 0.9 } as const;

let controller: ResourceBasedController | undefined;

/**
 * The one controller of this process. Workers with controllers of their own would each grant slots up to the same target
 * without knowing of one another, and each would measure in a thread of its own.
 */
export function sharedResourceController(): ResourceBasedController {
  controller ??= ResourceBasedController.create(TARGETS);
  return controller;
}
