import { alertWorkflowId, comparePositions, notificationIdOf } from '@heliograph/dispatch-workflows';
import { checkExplanations } from './check-explanations.js';
import { checkStream } from './check-stream.js';

/**
 * @typedef {import('./evidence.js').IssueRow} IssueRow
 * @typedef {{ eventId: string, fingerprint: string }} Acknowledged
 * @typedef {{ order: number, webhookId: string, streamId: string, type: string, answer: string }} Received in the order of arrival
 * @typedef {{ id: string, connectedAppId: string, matches: (issue: IssueRow) => boolean,
 *   renotifyIntervalMs: number | null, maxSignalAgeMs: number }} Route
 * @typedef {object} Evidence
 * @property {readonly IssueRow[]} issues by position
 * @property {readonly Acknowledged[]} acknowledged
 * @property {readonly Route[]} routes
 * @property {readonly Received[]} received
 * @property {readonly import('./evidence.js').StateRow[]} states
 * @property {readonly import('./evidence.js').IntentRow[]} intents
 * @property {readonly import('./evidence.js').AttemptRow[]} attempts
 * @property {readonly import('./evidence.js').DropRow[]} drops
 * @property {readonly import('./evidence.js').RunRow[]} runs kept for whoever looks into a violation
 * @property {number} outbox rows of the ledger that still wait
 * @property {ReadonlyMap<string, unknown>} explanations by event id; what the API answered
 * @property {ReadonlySet<number>} refusals statuses with which the receiver refuses for good
 *
 * @typedef {object} Violations one line each
 * @property {string[]} forgotten acknowledged issues that are not stored
 * @property {string[]} storedTwice issues of which there is more than one row
 * @property {string[]} lost notifications that had to arrive and did not
 * @property {string[]} unexpected notifications that must not have been sent
 * @property {string[]} reordered
 * @property {string[]} duplicatesWithoutUncertain
 * @property {string[]} wrongStates of streams: outside, or in their rows
 * @property {string[]} unsettled intents and ledger rows that are still under way
 * @property {string[]} unexplained
 *
 * @typedef {object} Counts
 * @property {number} streams
 * @property {number} expected notifications that had to arrive
 * @property {number} received different notifications
 * @property {number} duplicates receipts beyond the first of a notification
 * @property {number} renotified updates that may come, and did
 * @property {number} dropped notifications that were given up, rightly
 * @property {number} assumed updates that perhaps never arrived, and by policy were not sent again
 * @property {number} refusedAfterReceipt dropped notifications that the receiver has nevertheless
 *
 * @typedef {{ counts: Counts, violations: Violations }} Verdict
 */

/** Answers after which the receiver has what was sent, whatever the sender heard. */
const RECEIPTS = new Set(['accepted', 'slow', 'close-after-body', 'hang']);

/**
 * Compares what should have happened with what databases, receiver and the explain API tell.
 * @param {Evidence} evidence
 * @returns {Verdict}
 */
export function checkDispatch(evidence) {
  const { issues, acknowledged, routes, attempts, outbox } = evidence;
  const intents = withDrops(evidence);
  /** @type {Violations} */
  const violations = {
    forgotten: [],
    storedTwice: [],
    lost: [],
    unexpected: [],
    reordered: [],
    duplicatesWithoutUncertain: [],
    wrongStates: [],
    unsettled: [],
    unexplained: [],
  };
  checkStored(issues, acknowledged, violations);
  const receipts = evidence.received.filter(({ answer }) => RECEIPTS.has(answer));
  const receiptsOf = groupBy(receipts, ({ streamId }) => streamId);
  const intentsOf = groupBy(intents, ({ workflowId }) => workflowId);
  const attemptsOf = groupBy(attempts, ({ notificationId }) => notificationId);
  const states = new Map(evidence.states.map((state) => [state.workflowId, state]));
  const issuesOf = groupBy(issues, ({ fingerprint }) => fingerprint);
  const counts = {
    streams: 0,
    expected: 0,
    received: new Set(receipts.map(({ webhookId }) => webhookId)).size,
    duplicates: 0,
    renotified: 0,
    dropped: 0,
    assumed: 0,
    refusedAfterReceipt: 0,
  };
  /** @type {Set<string>} */
  const known = new Set();
  for (const [fingerprint, ofFingerprint] of issuesOf) {
    for (const route of routes) {
      const matched = ofFingerprint.filter((issue) => route.matches(issue));
      if (matched.length === 0) continue;
      const key = { fingerprint, routeId: route.id, connectedAppId: route.connectedAppId };
      const workflowId = alertWorkflowId(key);
      known.add(workflowId);
      counts.streams++;
      checkStream(
        {
          workflowId,
          route,
          issues: matched.toSorted((a, b) => comparePositions(a.position, b.position)),
          idAt: (position) => notificationIdOf(key, position),
          receipts: receiptsOf.get(workflowId) ?? [],
          intents: intentsOf.get(workflowId) ?? [],
          attemptsOf: (id) => attemptsOf.get(id) ?? [],
          state: states.get(workflowId),
          refusals: evidence.refusals,
        },
        counts,
        violations,
      );
    }
  }
  for (const streamId of new Set([...receiptsOf.keys(), ...intentsOf.keys(), ...states.keys()])) {
    if (!known.has(streamId)) violations.unexpected.push(`${streamId}: no route leads to this stream`);
  }
  for (const { notificationId, status, code } of intents) {
    if (status !== 'delivered' && status !== 'dropped')
      violations.unsettled.push(`${notificationId}: still ${status}${code === null ? '' : ` (${code})`}`);
  }
  if (outbox > 0) violations.unsettled.push(`${outbox} rows of the ledger still wait in PostgreSQL`);
  checkExplanations({ ...evidence, intents }, violations);
  return { counts, violations };
}

/**
 * What was given up before its first sending has no intent; only the ledger tells of it.
 * @param {Pick<Evidence, 'intents' | 'drops'>} evidence
 * @returns {readonly import('./evidence.js').IntentRow[]}
 */
function withDrops({ intents, drops }) {
  const known = new Set(intents.map(({ notificationId }) => notificationId));
  return [
    ...intents,
    ...drops.flatMap(({ at, ...drop }) =>
      known.has(drop.notificationId)
        ? []
        : [
            {
              ...drop,
              status: /** @type {const} */ ('dropped'),
              wasUncertain: false,
              claims: 0,
              decidedAt: at,
              updatedAt: at,
            },
          ],
    ),
  ];
}

/**
 * @param {readonly IssueRow[]} issues
 * @param {readonly Acknowledged[]} acknowledged
 * @param {Violations} violations
 */
function checkStored(issues, acknowledged, violations) {
  const rowsOf = groupBy(issues, ({ eventId }) => eventId);
  for (const [eventId, rows] of rowsOf) {
    if (rows.length > 1) violations.storedTwice.push(`${eventId}: ${rows.length} rows`);
  }
  for (const { eventId } of acknowledged) {
    if (!rowsOf.has(eventId)) violations.forgotten.push(`${eventId}: acknowledged and not stored`);
  }
}

/**
 * @template T
 * @param {readonly T[]} values
 * @param {(value: T) => string} keyOf
 * @returns {Map<string, T[]>}
 */
function groupBy(values, keyOf) {
  /** @type {Map<string, T[]>} */
  const groups = new Map();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
}
