import { alertWorkflowId, notificationIdOf } from '@heliograph/dispatch-workflows';

/**
 * @typedef {import('./check-dispatch.js').Evidence} Evidence
 * @typedef {import('./check-dispatch.js').Violations} Violations
 */

/** Reasons that say that there is no answer. */
const NO_REASONS = new Set(['not_decided_yet', 'not_scanned_yet', 'decision_not_recorded']);
const NOTIFYING = new Set(['delivered', 'assumed_delivered', 'dropped']);

/**
 * Every acknowledged issue has an explanation: it was seen, each matched route's stream has a reason and an outcome
 * that agrees with the intents, and each route that did not match names the clause.
 * @param {Pick<Evidence, 'issues' | 'acknowledged' | 'routes' | 'intents' | 'explanations'>} evidence
 * @param {Pick<Violations, 'unexplained'>} violations
 */
export function checkExplanations({ issues, acknowledged, routes, intents, explanations }, { unexplained }) {
  const issueOf = new Map(issues.map((issue) => [issue.eventId, issue]));
  const intended = new Map(intents.map((intent) => [intent.notificationId, intent]));
  for (const { eventId } of acknowledged) {
    const issue = issueOf.get(eventId);
    // That it is not stored is told elsewhere.
    if (issue === undefined) continue;
    const say = (/** @type {string} */ what) => unexplained.push(`${issue.fingerprint} ${eventId}: ${what}`);
    const answer = explanations.get(eventId);
    if (!isRecord(answer) || !Array.isArray(answer['routes'])) {
      say(`no explanation (${typeof answer === 'string' ? answer : 'nothing'})`);
      continue;
    }
    if (answer['eventId'] !== eventId) say(`the answer is about ${String(answer['eventId'])}`);
    if (typeof answer['seenAt'] !== 'string') say('not seen');
    /** @type {readonly unknown[]} */
    const explained = answer['routes'];
    for (const route of routes) {
      const entry = explained.find((each) => isRecord(each) && each['id'] === route.id);
      if (!isRecord(entry)) {
        say(`nothing about route ${route.id}`);
        continue;
      }
      const isMatch = route.matches(issue);
      if (entry['matched'] !== isMatch) say(`route ${route.id}: ${String(entry['reason'])}, wrongly`);
      else if (!isMatch) {
        if (typeof entry['clause'] !== 'string' || entry['clause'] === '')
          say(`route ${route.id} does not say why it did not match`);
      } else {
        const key = {
          fingerprint: issue.fingerprint,
          routeId: route.id,
          connectedAppId: route.connectedAppId,
        };
        const intent = intended.get(notificationIdOf(key, issue.position));
        const problem = problemOf(entry['streams'], alertWorkflowId(key), intent?.status);
        if (problem !== null) say(`route ${route.id}: ${problem}`);
      }
    }
  }
}

/**
 * @param {unknown} streams
 * @param {string} workflowId
 * @param {string | undefined} status of the intent; undefined where nothing was notified
 * @returns {string | null}
 */
function problemOf(streams, workflowId, status) {
  /** @type {readonly unknown[]} */
  const list = Array.isArray(streams) ? streams : [];
  const stream = list.find((each) => isRecord(each) && each['workflowId'] === workflowId);
  if (!isRecord(stream)) return 'nothing about its stream';
  const reason = stream['reason'];
  if (typeof reason !== 'string' || NO_REASONS.has(reason)) return `the reason is ${String(reason)}`;
  const outcome = isRecord(stream['outcome']) ? stream['outcome']['kind'] : undefined;
  if (status === undefined)
    return stream['notify'] === false && outcome === 'none'
      ? null
      : `told of a notification (${String(outcome)}) that no intent knows`;
  if (stream['notify'] !== true) return `told of silence (${reason}), and there is an intent`;
  const isSame =
    typeof outcome === 'string' &&
    NOTIFYING.has(outcome) &&
    (outcome === 'dropped') === (status === 'dropped');
  return isSame ? null : `the outcome is ${String(outcome)}, the intent is ${status}`;
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isRecord(value) {
  return typeof value === 'object' && value !== null;
}
