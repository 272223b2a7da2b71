import { createHash } from 'node:crypto';
import { MAX_BATCH, dispatchOperations, issueInput, type StoreIssuesAnswer } from '@heliograph/dispatch-api';
import type { IssueStore, NewIssue } from '@heliograph/dispatch-workflows/stores';
import { checkInput, problem, type Edge, type Ids } from '@heliograph/service';
import * as v from 'valibot';
import { toNewIssue } from './to-new-issue.ts';

/** A batch keeps its items unchecked, so that one malformed issue is refused alone; a single one is checked whole. */
const batchInput = v.strictObject({
  issues: v.pipe(v.array(v.unknown()), v.minLength(1), v.maxLength(MAX_BATCH)),
});
const looseIssue = v.pipe(
  v.looseObject({ monitor: v.optional(v.unknown()) }),
  v.check(
    (body) => !('issues' in body),
    `Expected one issue, or {"issues": […]} with 1 to ${MAX_BATCH} and nothing else.`,
  ),
);

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
    accepts: v.union([batchInput, looseIssue]),
    handler: async ({ body, clock }) => {
      const isBatch = 'issues' in body && Array.isArray(body.issues);
      const items: readonly unknown[] = isBatch && Array.isArray(body.issues) ? body.issues : [body];
      const accepted: { readonly index: number; readonly issue: NewIssue }[] = [];
      const rejected: StoreIssuesAnswer['refused'][number][] = [];
      for (const [index, item] of items.entries()) {
        const checked = checkInput(issueInput, item, isBatch ? `/issues/${index}` : '');
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

/** The same events in the same order are one insert, however often it is sent. */
function tokenOf(issues: readonly NewIssue[]): string {
  const hash = createHash('sha256');
  for (const { eventId } of issues) hash.update(eventId).update('\n');
  return hash.digest('hex');
}
