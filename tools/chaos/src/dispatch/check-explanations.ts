import { alertWorkflowId, notificationIdOf } from '@heliograph/dispatch-workflows';
import type { Evidence, Violations } from './check-dispatch.ts';
import type { IntentRow } from './evidence.ts';

/** The members of an explanation that are checked; the API's answer has more. */
export interface Explanation {
  readonly eventId: string;
  readonly seenAt: string | null;
  readonly routes: readonly {
    readonly id: string;
    readonly matched: boolean;
    readonly reason: string;
    readonly clause: string | null;
    readonly streams: readonly ExplainedStream[];
  }[];
}

/** The members of one stream of an explanation that are checked. */
export interface ExplainedStream {
  readonly workflowId: string;
  readonly reason: string;
  readonly notify: boolean;
  readonly outcome: { readonly kind: string };
}

/** Reasons that mean that there is no answer. */
const NO_ANSWERS = new Set(['not_decided_yet', 'not_scanned_yet', 'decision_not_recorded']);
const NOTIFYING = new Set(['delivered', 'assumed_delivered', 'dropped']);

/**
 * Checks that every acknowledged issue is explained: it was seen, the stream of each route that matched has a reason and
 * an outcome that agrees with the intents, and each route that did not match names the clause.
 */
export function checkExplanations(
  evidence: Pick<Evidence, 'issues' | 'acknowledged' | 'routes' | 'intents' | 'explanations'>,
  { unexplained }: Pick<Violations, 'unexplained'>,
): void {
  const { issues, acknowledged, routes, intents, explanations } = evidence;
  const issueOf = new Map(issues.map((issue) => [issue.eventId, issue]));
  const intentOf = new Map(intents.map((intent) => [intent.notificationId, intent]));
  for (const { eventId } of acknowledged) {
    const issue = issueOf.get(eventId);
    // An issue that is not stored is a violation of another kind.
    if (issue === undefined) continue;
    const report = (problem: string): void =>
      void unexplained.push(`${issue.fingerprint} ${eventId}: ${problem}`);
    const answer = explanations.get(eventId);
    if (answer === undefined || typeof answer === 'string') {
      report(`no explanation (${answer ?? 'nothing'})`);
      continue;
    }
    if (answer.eventId !== eventId) report(`the answer is about ${answer.eventId}`);
    if (answer.seenAt === null) report('not seen');
    for (const route of routes) {
      if (route.isDead === true) continue;
      const entry = answer.routes.find(({ id }) => id === route.id);
      if (entry === undefined) {
        report(`nothing about route ${route.id}`);
        continue;
      }
      const isMatch = route.matches(issue);
      if (entry.matched !== isMatch) report(`route ${route.id}: ${entry.reason}, wrongly`);
      else if (!isMatch) {
        if (entry.clause === null || entry.clause === '')
          report(`route ${route.id} does not say why it did not match`);
      } else {
        const key = {
          fingerprint: issue.fingerprint,
          routeId: route.id,
          connectedAppId: route.connectedAppId,
        };
        const stream = entry.streams.find(({ workflowId }) => workflowId === alertWorkflowId(key));
        const problem = findProblem(stream, intentOf.get(notificationIdOf(key, issue.position)));
        if (problem !== null) report(`route ${route.id}: ${problem}`);
      }
    }
  }
}

function findProblem(stream: ExplainedStream | undefined, intent: IntentRow | undefined): string | null {
  if (stream === undefined) return 'nothing about its stream';
  const { reason, notify, outcome } = stream;
  if (NO_ANSWERS.has(reason)) return `the reason is ${reason}`;
  if (intent === undefined)
    return !notify && outcome.kind === 'none'
      ? null
      : `explains a notification (${outcome.kind}) that has no intent`;
  if (!notify) return `explains silence (${reason}), and there is an intent`;
  const isSame =
    NOTIFYING.has(outcome.kind) && (outcome.kind === 'dropped') === (intent.status === 'dropped');
  return isSame ? null : `the outcome is ${outcome.kind}, the intent is ${intent.status}`;
}
