import * as v from 'valibot';
import { TemporalSetupError } from '../errors.ts';
import type { PoolClass, SlotPreset } from './slots.ts';

/** What sizes a worker; each may come from a configuration. */
export interface WorkerSizes {
  readonly slots?: SlotPreset;
  readonly pool?: PoolClass;
  readonly workflowTasks?: number;
  readonly workflowTaskPollers?: number;
  readonly cachedWorkflows?: number;
  readonly stickyTimeoutMs?: number;
  readonly heartbeatThrottleMs?: number;
  readonly shutdownGraceMs?: number;
  readonly shutdownForceMs?: number;
}

const from = (least: number) => {
  const what = `a whole number from ${least}`;
  return v.pipe(v.number(what), v.safeInteger(what), v.minValue(least, what));
};
// A day is more than any of these needs, and less than a timer can hold.
const LONGEST_MS = 86_400_000;
const milliseconds = (least: number) => {
  const what = `whole milliseconds from ${least} to ${LONGEST_MS}`;
  return v.pipe(v.number(what), v.safeInteger(what), v.minValue(least, what), v.maxValue(LONGEST_MS, what));
};
const RATE = 'a number above 0';
const rate = v.pipe(v.number(RATE), v.finite(RATE), v.gtValue(0, RATE));
const unknownOrMissing = ({ expected }: { readonly expected: string | null }) =>
  expected === 'never' ? 'an option of its preset' : 'given';

const slotPreset = v.variant(
  'kind',
  [
    v.strictObject({ kind: v.literal('cpu'), cores: v.optional(from(1)) }, unknownOrMissing),
    v.strictObject({ kind: v.literal('io'), maximum: v.optional(from(1)) }, unknownOrMissing),
    v.strictObject(
      { kind: v.literal('gpu'), concurrency: v.optional(v.picklist([1, 2], '1 or 2')) },
      unknownOrMissing,
    ),
    v.strictObject(
      { kind: v.literal('provider'), concurrency: from(1), perSecond: v.optional(rate) },
      unknownOrMissing,
    ),
  ],
  'cpu, io, gpu or provider',
);

const workerSizes = v.object({
  slots: v.optional(slotPreset),
  pool: v.optional(v.picklist(['critical', 'background'], 'critical or background')),
  // With fewer than two, the worker would poll either for new workflows or for those that it has cached.
  workflowTasks: v.optional(from(2)),
  workflowTaskPollers: v.optional(from(2)),
  cachedWorkflows: v.optional(
    v.pipe(
      from(0),
      v.check((count) => count !== 1, '0 (no cache) or a whole number from 2'),
    ),
  ),
  // A worker without a sticky timeout would never give its cached workflows away.
  stickyTimeoutMs: v.optional(milliseconds(1)),
  heartbeatThrottleMs: v.optional(milliseconds(1)),
  shutdownGraceMs: v.optional(milliseconds(0)),
  shutdownForceMs: v.optional(milliseconds(0)),
});

/**
 * Checks the sizes of a worker before anything of it is created.
 *
 * @throws {TemporalSetupError} TEMPORAL_WORKER_OPTIONS: task queue, option, what it must be, what it is.
 */
export function assertWorkerSizes({
  taskQueue,
  ...sizes
}: WorkerSizes & { readonly taskQueue: string }): void {
  const [issue] = v.safeParse(workerSizes, sizes).issues ?? [];
  if (issue !== undefined) {
    refuse(taskQueue, `${v.getDotPath(issue)} must be ${issue.message}, and is ${issue.received}`);
  }
  const bounds = [
    ['workflowTaskPollers', 'workflowTasks'],
    ['workflowTaskPollers', 'cachedWorkflows'],
    ['workflowTasks', 'cachedWorkflows'],
  ] as const;
  for (const [name, bound] of bounds) {
    const [value, most] = [sizes[name], sizes[bound]];
    // Without a cache nothing has to fit into it.
    if (value === undefined || most === undefined || most === 0 || value <= most) continue;
    refuse(taskQueue, `${name} is ${value}, more than its ${bound} of ${most}`);
  }
}

function refuse(taskQueue: string, problem: string): never {
  throw new TemporalSetupError('TEMPORAL_WORKER_OPTIONS', `worker of task queue ${taskQueue}: ${problem}`);
}
