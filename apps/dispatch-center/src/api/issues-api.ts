import { MAX_BATCH, dispatchOperations, issueInput, type StoreIssuesAnswer } from '@heliograph/dispatch-api';
import type { DispatchStores, ReportedIssue } from '@heliograph/dispatch-workflows/stores';
import { checkInput, problem, type Edge, type Ids, type Problem } from '@heliograph/service';
import * as v from 'valibot';
import { eventIdOfRequest, toReportedIssue } from './to-reported-issue.ts';

const SIZE = `Expected 1 to ${MAX_BATCH.toLocaleString('en')} issues.`;
/** A batch keeps its items unchecked, so that one malformed issue is refused alone. */
const batchInput = v.strictObject({
  issues: v.pipe(
    v.array(v.unknown(), 'Expected an array of issues.'),
    v.minLength(1, SIZE),
    v.maxLength(MAX_BATCH, SIZE),
  ),
});
/** A single issue is checked by the handler, as each one of a batch is. */
const singleInput = v.custom<object>(
  (body) => typeof body === 'object' && body !== null && !Array.isArray(body),
  `Expected an issue, or {"issues": […]} with 1 to ${MAX_BATCH.toLocaleString('en')} issues.`,
);
/** Chosen before it is checked, unlike a union, which could only say that neither fits. */
const accepts = v.lazy((body) => (isBatch(body) ? batchInput : singleInput));

/** What storing issues works with. */
export interface IssuesApiDependencies extends Pick<DispatchStores, 'storeOnce'> {
  readonly ids: Ids;
  /** Called after issues were stored. */
  readonly onStored: () => void;
}

interface Accepted {
  readonly index: number;
  readonly issue: ReportedIssue;
  /** Where a refusal points to. */
  readonly pointer: string;
}
type Refused = StoreIssuesAnswer['refused'][number];

/** `POST /api/v1/issues`: stores one issue or a batch, each event once, then wakes the orchestrator. */
export function addIssuesApi(edge: Edge, { storeOnce, ids, onStored }: IssuesApiDependencies): void {
  edge.route({
    ...dispatchOperations.storeIssues,
    accepts,
    handler: async ({ body, clock, principal, headers }) => {
      const batch = isBatch(body);
      const items: readonly unknown[] = batch ? body.issues : [body];
      const key = headers.get('idempotency-key');
      const accepted: Accepted[] = [];
      const refused: Refused[] = [];
      for (const [index, item] of items.entries()) {
        const at = batch ? `/issues/${index}` : '';
        const checked = checkInput(issueInput, item, at);
        if (checked.kind === 'invalid') {
          refused.push({ index, errors: checked.errors.map((error) => ({ ...error })) });
          continue;
        }
        const issue = toReportedIssue(checked.value, clock.now(), () =>
          key === null
            ? { eventId: ids.next(), mayRepeat: false }
            : { eventId: eventIdOfRequest(principal.id, key, index), mayRepeat: true },
        );
        accepted.push({ index, issue, pointer: checked.value.eventId === undefined ? at : `${at}/eventId` });
      }
      const outcomes = accepted.length === 0 ? [] : await storeOnce(accepted.map(({ issue }) => issue));
      const reused = accepted.filter((_, place) => outcomes[place] === 'reused');
      refused.push(...reused.map(refuseReuse));
      refused.sort((a, b) => a.index - b.index);
      const stored = accepted.filter((_, place) => outcomes[place] !== 'reused');
      if (stored.length === 0) throw refuseAll(refused, reused.length === items.length);
      onStored();
      const reply = {
        stored: stored.map(({ index, issue: { eventId, fingerprint } }) => ({ index, eventId, fingerprint })),
        refused,
      };
      return refused.length === 0 ? { status: 200, body: reply } : { status: 207, body: reply };
    },
  });
}

function isBatch(body: unknown): body is v.InferOutput<typeof batchInput> {
  return typeof body === 'object' && body !== null && Object.hasOwn(body, 'issues');
}

function refuseReuse({ index, pointer }: Accepted): Refused {
  const detail = pointer.endsWith('/eventId')
    ? 'An issue with this event id and other content is stored. Give another event id.'
    : 'An issue with other content was stored under this Idempotency-Key. Send another key.';
  return { index, errors: [{ pointer, detail }] };
}

function refuseAll(refused: readonly Refused[], isReuse: boolean): Problem {
  const errors = refused.flatMap((one) => one.errors);
  return isReuse
    ? problem(409, 'ISSUES_EVENT_ID_REUSED', 'The event ids are stored with other content.', { errors })
    : problem(422, 'ISSUES_INVALID', 'No issue could be stored.', { errors });
}
