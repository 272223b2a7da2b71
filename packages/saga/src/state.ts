import * as v from 'valibot';
import { SagaError } from './errors.ts';

const failure = v.object({ code: v.string(), message: v.string() });

const cause = v.variant('kind', [
  v.object({ kind: v.literal('failed'), stepId: v.nullable(v.string()), failure }),
  v.object({ kind: v.literal('cancelled'), reason: v.nullable(v.string()) }),
  v.object({ kind: v.literal('deadline'), deadlineAt: v.number() }),
  v.object({ kind: v.literal('terminated') }),
  v.object({ kind: v.literal('leftover') }),
]);

const stepRecord = v.object({
  id: v.string(),
  step: v.string(),
  status: v.picklist(['running', 'done', 'failed', 'compensated', 'uncompensated']),
  isCompensable: v.boolean(),
  isPivot: v.boolean(),
  group: v.nullable(v.string()),
  input: v.optional(v.unknown()),
  result: v.optional(v.unknown()),
  failure: v.nullable(failure),
  compensationAttempts: v.number(),
  compensationFailure: v.nullable(failure),
});

const sagaState = v.object({
  version: v.literal(1),
  saga: v.string(),
  id: v.string(),
  startedAt: v.number(),
  phase: v.picklist(['forward', 'compensating', 'ended']),
  outcome: v.nullable(v.picklist(['completed', 'compensated', 'uncompensated', 'stuck'])),
  cause: v.nullable(cause),
  compensatingSince: v.nullable(v.number()),
  alertedAt: v.nullable(v.number()),
  /** What asked it to end early; states of before do not have it. */
  interruption: v.optional(v.nullable(cause)),
  result: v.optional(v.unknown()),
  steps: v.array(stepRecord),
});

/** What is kept of a failure: its type or class, and its message of at most 500 characters. */
export type FailureSummary = Readonly<v.InferOutput<typeof failure>>;

/**
 * Why a saga compensates.
 *
 * - `failed`: the body failed; `stepId` names the step whose failure it was, if it was one's.
 * - `cancelled`: somebody asked for it, by whichever way.
 * - `deadline`: the deadline passed first.
 * - `terminated`: a run that was terminated, or timed out, is repaired.
 * - `leftover`: the body ended well, but a step failed on the way, and may have happened all the same.
 */
export type SagaCause = Readonly<v.InferOutput<typeof cause>>;

/**
 * One step of one saga.
 *
 * - `running`: begun; its outcome is unknown. With a `failure`: a pivot that failed for good without a proof that it did not
 *   happen.
 * - `done`: its result arrived.
 * - `failed`: it failed or was interrupted, and may have happened all the same.
 * - `compensated`: undone, or there was nothing to undo.
 * - `uncompensated`: its compensation failed for good.
 */
export type StepRecord = Readonly<v.InferOutput<typeof stepRecord>>;

/**
 * Everything a saga knows, as plain data: a run hands it to the next one. It holds inputs and results of steps, so keep
 * those small.
 *
 * Phases: `forward` → `compensating` → `ended`, or `forward` → `ended`. Outcomes of an ended saga: `completed` (the body
 * ended well), `compensated` (everything is undone), `uncompensated` (a compensation failed for good), `stuck` (a step
 * after the pivot failed for good, or nobody knows whether the pivot happened, so it goes neither back nor forward).
 */
export type SagaState = Readonly<Omit<v.InferOutput<typeof sagaState>, 'steps'>> & {
  readonly steps: readonly StepRecord[];
};

/**
 * Reads a state that comes from outside: the input of a workflow, or the answer of the query `sagaState`.
 *
 * @throws {SagaError} SAGA_STATE, with the place that does not fit.
 */
export function parseSagaState(input: unknown): SagaState {
  const parsed = v.safeParse(sagaState, input);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new SagaError(
    'SAGA_STATE',
    `This is no state of a saga: ${v.getDotPath(issue) ?? 'the value'}: ${issue.message}`,
  );
}
