import { createHash } from 'node:crypto';
import { activityInfo, type Info } from '@temporalio/activity';

/**
 * How far a key reaches, from the narrowest on:
 *
 * - `run`: this activity of this run. A retry of the activity has the same key; the same step after a reset, after a
 *   continue-as-new or in another run has another. For effects that belong to the run.
 * - `workflow`: this event of this workflow id, over all its runs. A step that a reset repeats, or a second run under the same
 *   id, does not happen twice. For charges, orders and everything else that a reset must not repeat.
 * - `event`: this event, whoever asks for it. For an id that is unique in the namespace, such as that of a payment.
 */
export type KeyReach = 'run' | 'workflow' | 'event';

/** Of what a key is made. */
export type KeySource = Pick<Info, 'namespace' | 'activityId' | 'activityRunId' | 'workflowExecution'>;

/** Longest id of a business event, in UTF-16 code units. */
const MAX_EVENT_LENGTH = 512;

/**
 * The key that goes to a provider, or to `once`, so that an effect happens once over all attempts: `hk1-` and 43 letters
 * and digits (with `-` and `_`), a SHA-256. `event` is the id of what happens in the business, such as `order-17:capture`: it
 * tells apart two effects of one activity, and has to be the same each time. The number of the attempt is never part of
 * it: with it, every retry would be a new charge.
 *
 * @throws {TypeError} on an empty event, or one that is too long or no well-formed text
 */
export function idempotencyKey(event: string, reach: KeyReach): string {
  return deriveIdempotencyKey(activityInfo(), event, reach);
}

/** The same outside of an activity; for tests and for looking a key up. */
export function deriveIdempotencyKey(source: KeySource, event: string, reach: KeyReach): string {
  if (event === '' || event.length > MAX_EVENT_LENGTH || !event.isWellFormed())
    throw new TypeError(
      `an idempotency key needs an event of 1 to ${MAX_EVENT_LENGTH} well-formed characters`,
    );
  return `hk1-${createHash('sha256')
    .update(JSON.stringify(partsOf(source, event, reach)))
    .digest('base64url')}`;
}

/** A list, in JSON: joined text would make one key of `a` + `bc` and `ab` + `c`. */
function partsOf(source: KeySource, event: string, reach: KeyReach): readonly string[] {
  const { namespace, activityId, activityRunId, workflowExecution: workflow } = source;
  switch (reach) {
    case 'event':
      return [reach, namespace, event];
    case 'workflow':
      if (workflow === undefined)
        throw new TypeError('an activity that no workflow started has no key per workflow; use event or run');
      return [reach, namespace, workflow.workflowId, event];
    case 'run':
      return workflow === undefined
        ? [reach, namespace, '', activityRunId ?? '', activityId, event]
        : [reach, namespace, workflow.workflowId, workflow.runId, activityId, event];
  }
}
