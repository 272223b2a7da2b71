import { getHeapStatistics } from 'node:v8';

/** What a process may use, in bytes. */
export interface ProcessMemory {
  /** Of the container; undefined if it has no limit. */
  readonly limit: number | undefined;
  /** Of one JavaScript heap: the cached workflows live in that of a thread. */
  readonly heapLimit: number;
}

const MIB = 2 ** 20;
/** Of the container's limit; the rest is for what is outside of the heap. */
const HEAP_SHARE = 0.75;
/** What a worker needs before it caches anything. */
const BASE_MIB = 200;
/** The SDK's own calibration, against the resident memory of real workers. */
const WORKFLOWS_PER_MIB = 600 / 1024;
/** Without a limit the machine is shared with others, whose memory is not ours to fill. */
const UNLIMITED_MAXIMUM = 600;
const MINIMUM = 10;

/** How many workflow executions each of the workers of a process may keep in memory. */
export function sizeWorkflowCache({ limit, heapLimit }: ProcessMemory, workers = 1): number {
  const budgetMib = Math.min(heapLimit, (limit ?? Number.POSITIVE_INFINITY) * HEAP_SHARE) / MIB;
  const fitting = (budgetMib - BASE_MIB) * WORKFLOWS_PER_MIB;
  const all = limit === undefined ? Math.min(fitting, UNLIMITED_MAXIMUM) : fitting;
  return Math.max(MINIMUM, Math.floor(all / workers));
}

/** Reads the limits of this process. */
export function readProcessMemory(): ProcessMemory {
  // Node answers with 0, or with more than there is, where nothing limits the process.
  const constrained = process.constrainedMemory();
  const isLimited = constrained > 0 && constrained < Number.MAX_SAFE_INTEGER;
  return { limit: isLimited ? constrained : undefined, heapLimit: getHeapStatistics().heap_size_limit };
}
