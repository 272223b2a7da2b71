import { createHash } from 'node:crypto';
import type { IssueStore, NewIssue } from '@heliograph/dispatch-workflows/stores';
import { checkInput, problem, type Edge, type Ids } from '@heliograph/service';
import * as v from 'valibot';
import { issueInput, toNewIssue } from './issue-input.ts';

const MAX_BATCH = 1000;

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

const stored = v.object({ index: v.number(), eventId: v.string(), fingerprint: v.string() });
const refused = v.object({
  index: v.number(),
  errors: v.array(v.object({ pointer: v.string(), detail: v.string() })),
});
const result = v.object({ stored: v.array(stored), refused: v.array(refused) });

/** What storing issues works with. */
export interface IssuesApiDependencies {
  readonly issues: Pick<IssueStore, 'append'>;
  readonly ids: Ids;
  /** Hears that something new is stored. */
  readonly onStored: () => void;
}

/** `POST /api/v1/issues`: stores one issue or a batch, then wakes the orchestrator. */
export function addIssuesApi(edge: Edge, { issues, ids, onStored }: IssuesApiDependencies): void {
  edge.route({
    method: 'POST',
    path: '/api/v1/issues',
    operationId: 'storeIssues',
    tags: ['issues'],
    summary: 'Store an issue, or a batch of at most 1,000 as {"issues": […]}',
    description:
      'An issue: eventId?, monitor, fingerprint?, status (firing, resolved, suppressed), severity?, labels?, annotations?, ' +
      'startsAt?, endsAt?. A malformed issue of a batch is refused with its index and the others are stored (207).',
    scope: 'issues:write',
    bodyLimitBytes: 8 * 1024 * 1024,
    idempotency: 'optional',
    body: v.union([batchInput, looseIssue]),
    responses: {
      200: { description: 'All are stored.', schema: result },
      207: { description: 'Some are stored, some are refused.', schema: result },
    },
    handler: async ({ body, clock }) => {
      const isBatch = 'issues' in body && Array.isArray(body.issues);
      const items: readonly unknown[] = isBatch && Array.isArray(body.issues) ? body.issues : [body];
      const accepted: { readonly index: number; readonly issue: NewIssue }[] = [];
      const rejected: v.InferOutput<typeof refused>[] = [];
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
