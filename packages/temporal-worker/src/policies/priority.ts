import { ApplicationFailure, type Priority } from '@temporalio/common';

/** Keys of the server's default levels; what names none has the key of its workflow, and at last 3. */
export const PRIORITY_KEYS = { urgent: 1, high: 2, normal: 3, low: 4, idle: 5 } as const;

/** Which of the tasks that wait in a task queue goes first. It interrupts nothing that runs, and reserves no slot. */
export interface PriorityChoice {
  /** All tasks of a more urgent level go first. */
  readonly urgency?: keyof typeof PRIORITY_KEYS;
  /** Within a level, keys take turns by weight, however many tasks each has waiting. */
  readonly fairness?: {
    /** Usually the tenant; 1 to 64 bytes of UTF-8. The server stores it in clear. */
    readonly key: string;
    /** The share compared with other keys, 0.001 to 1,000; default 1. Give one key one weight everywhere. */
    readonly weight?: number;
  };
}

const MAX_KEY_BYTES = 64;

/**
 * Makes the `priority` of a start, a child workflow or an activity. Children and activities inherit each field that they do
 * not set. Local activities have none.
 *
 * @throws {ApplicationFailure} not retryable, of type TEMPORAL_POLICY_INVALID: a key is often data, and in a workflow any other
 *   error, the server's refusal included, fails a task, which is then repeated for ever.
 */
export function priority({ urgency, fairness }: PriorityChoice): Priority {
  if (urgency !== undefined && !Object.hasOwn(PRIORITY_KEYS, urgency)) {
    refuse(`urgency must be one of ${Object.keys(PRIORITY_KEYS).join(', ')}, and is "${urgency}"`);
  }
  if (fairness !== undefined) assertFairness(fairness);
  return {
    ...(urgency === undefined ? {} : { priorityKey: PRIORITY_KEYS[urgency] }),
    ...(fairness === undefined ? {} : { fairnessKey: fairness.key }),
    ...(fairness?.weight === undefined ? {} : { fairnessWeight: fairness.weight }),
  };
}

function assertFairness({ key, weight = 1 }: NonNullable<PriorityChoice['fairness']>): void {
  const bytes = byteLength(key);
  if (bytes < 1 || bytes > MAX_KEY_BYTES) {
    refuse(`a fairness key has 1 to ${MAX_KEY_BYTES} bytes, and this one has ${bytes}`);
  }
  if (!(weight >= 0.001 && weight <= 1000)) {
    refuse(`a fairness weight is 0.001 to 1,000, and this one is ${weight}`);
  }
}

/** Of the UTF-8 form; the isolate of a workflow promises no encoder. */
function byteLength(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x1_00_00 ? 3 : 4;
  }
  return bytes;
}

function refuse(problem: string): never {
  throw ApplicationFailure.nonRetryable(problem, 'TEMPORAL_POLICY_INVALID');
}
