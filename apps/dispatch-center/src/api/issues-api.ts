import { createHash } from 'node:crypto';
import { MAX_BATCH, dispatchOperations, issueInput, type StoreIssuesAnswer } from '@heliograph/dispatch-api';
import type { IssueStore, NewIssue } from '@heliograph/dispatch-workflows/stores';
import { checkInput, problem, type Edge, type Ids } from '@heliograph/service';
import * as v from 'valibot';
import { toNewIssue } from './to-new-issue.ts';

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
export interface IssuesApiDependencies {
  readonly issues: Pick<IssueStore, 'append'>;
  readonly ids: Ids;
  /** Called after issues were stored. */
  readonly onStored: () => void;
}

/** `POST /api/v1/issues`: stores one issue or a batch, then wakes the orchestrator. */
export function addIssuesApi(edge: Edge, { issues, ids, onStored }: IssuesApiDependencies): void {
  edge.route({
    ...dispatchOperations.storeIssues,
    accepts,
    handler: async ({ body, clock }) => {
      const batch = isBatch(body);
      const items: readonly unknown[] = batch ? body.issues : [body];
      const accepted: { readonly index: number; readonly issue: NewIssue }[] = [];
      const rejected: StoreIssuesAnswer['refused'][number][] = [];
      for (const [index, item] of items.entries()) {
        const checked = checkInput(issueInput, item, batch ? `/issues/${index}` : '');
        if (checked.kind === 'invalid')
          rejected.push({ index, errors: checked.errors.map((error) => ({ ...error })) });
        else accepted.push({ index, issue: toNewIssue(checked.value, clock.now(), () => ids.next()) });
      }
      if (accepted.length === 0) {
        throw problem(422, 'ISSUES_INVALID', 'No issue could be stored.', {
          errors: rejected.flatMap(({ errors }) => errors),
        });
      }
      const toStore = accepted.map(({ issue }) => issue);
      await issues.append(toStore, tokenOf(toStore));
      onStored();
      const reply = {
        stored: accepted.map(({ index, issue: { eventId, fingerprint } }) => ({
          index,
          eventId,
          fingerprint,
        })),
        refused: rejected,
      };
      return rejected.length === 0 ? { status: 200, body: reply } : { status: 207, body: reply };
    },
  });
}

function isBatch(body: unknown): body is v.InferOutput<typeof batchInput> {
  return typeof body === 'object' && body !== null && Object.hasOwn(body, 'issues');
}

/** The same events in the same order are one insert, however often it is sent. */
function tokenOf(issues: readonly NewIssue[]): string {
  const hash = createHash('sha256');
  for (const { eventId } of issues) hash.update(eventId).update('\n');
  return hash.digest('hex');
}
