/**
 * What the activities of a worker spend their time on, and so how many run at once.
 *
 * - `cpu`: they compute outside of the event loop; as many as the container has cores, or `cores`.
 * - `io`: they wait for databases and services; up to `maximum`, default 100.
 * - `gpu`: they use one accelerator; `concurrency`, default 1. Two is the most that does not contend for its memory.
 * - `provider`: they call one provider; `concurrency` in this process, `perSecond` over all processes of the task queue.
 */
export type SlotPreset =
  | { readonly kind: 'cpu'; readonly cores?: number }
  | { readonly kind: 'io'; readonly maximum?: number }
  | { readonly kind: 'gpu'; readonly concurrency?: 1 | 2 }
  | { readonly kind: 'provider'; readonly concurrency: number; readonly perSecond?: number };

/**
 * Which work goes on when the process runs short of memory or CPU. Each class needs a task queue of its own.
 *
 * - `critical`: every slot is guaranteed, whatever the load.
 * - `background`: one slot is guaranteed; `cpu` and `io` grant the others only while the process has room.
 */
export type PoolClass = 'critical' | 'background';

/** How many activities a worker runs at once. */
export interface SlotPlan {
  readonly activities: {
    /** Granted whatever the load. */
    readonly guaranteed: number;
    /** Those above the guaranteed ones are granted only while memory and CPU of the process have room. */
    readonly maximum: number;
  };
  readonly localActivities: number;
  /** Starts per second that the server allows for the whole task queue. */
  readonly perSecond?: number;
}

/** Slots of `io` that are guaranteed, per core: the upper end of the usual rule for threads that wait. */
const GUARANTEED_PER_CORE = 5;
const IO_MAXIMUM = 100;
const IO_LOCAL_ACTIVITIES = 100;

/** Plans the slots of a worker in a process with `cores` cores. The preset is one that `assertWorkerSizes` accepted. */
export function planSlots(
  preset: SlotPreset,
  { cores, pool }: { readonly cores: number; readonly pool?: PoolClass | undefined },
): SlotPlan {
  switch (preset.kind) {
    case 'cpu': {
      const slots = preset.cores ?? cores;
      return { activities: rangeOf(slots, slots, pool), localActivities: slots };
    }
    case 'io': {
      const { maximum = IO_MAXIMUM } = preset;
      const guaranteed = Math.min(GUARANTEED_PER_CORE * cores, maximum);
      return { activities: rangeOf(guaranteed, maximum, pool), localActivities: IO_LOCAL_ACTIVITIES };
    }
    case 'gpu': {
      const { concurrency = 1 } = preset;
      return { activities: fixed(concurrency), localActivities: concurrency };
    }
    case 'provider': {
      const { concurrency, perSecond } = preset;
      return {
        activities: fixed(concurrency),
        localActivities: concurrency,
        ...(perSecond === undefined ? {} : { perSecond }),
      };
    }
  }
}

function rangeOf(guaranteed: number, maximum: number, pool: PoolClass | undefined): SlotPlan['activities'] {
  if (pool === 'critical') return fixed(maximum);
  return { guaranteed: pool === 'background' ? 1 : guaranteed, maximum };
}

function fixed(slots: number): SlotPlan['activities'] {
  return { guaranteed: slots, maximum: slots };
}
