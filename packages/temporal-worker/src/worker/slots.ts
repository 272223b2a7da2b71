import type { WorkerOptions } from '@temporalio/worker';

/**
 * What a pool of workers spends its time on.
 *
 * - `cpu`: activities compute; as many slots as cores.
 * - `io`: activities wait for databases and providers; many slots.
 * - `provider`: activities call one provider; exactly its limit.
 */
export type SlotPreset =
  | { readonly kind: 'cpu'; readonly cores: number }
  | { readonly kind: 'io'; readonly activities?: number }
  | { readonly kind: 'provider'; readonly concurrency: number; readonly perSecond?: number };

/** The SDK's slot options for a preset. */
export function slotOptions(preset: SlotPreset): Partial<WorkerOptions> {
  switch (preset.kind) {
    case 'cpu':
      return {
        maxConcurrentActivityTaskExecutions: preset.cores,
        maxConcurrentLocalActivityExecutions: preset.cores * 2,
      };
    case 'io':
      return {
        maxConcurrentActivityTaskExecutions: preset.activities ?? 100,
        maxConcurrentLocalActivityExecutions: 100,
      };
    case 'provider':
      return {
        maxConcurrentActivityTaskExecutions: preset.concurrency,
        ...(preset.perSecond === undefined ? {} : { maxTaskQueueActivitiesPerSecond: preset.perSecond }),
      };
  }
}
