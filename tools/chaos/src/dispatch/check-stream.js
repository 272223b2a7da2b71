import { comparePositions } from '@heliograph/dispatch-workflows';
import { replayStream } from './replay-stream.js';

/**
 * @typedef {import('./check-dispatch.js').Counts} Counts
 * @typedef {import('./check-dispatch.js').Violations} Violations
 * @typedef {import('./check-dispatch.js').Received} Received
 * @typedef {import('./evidence.js').IntentRow} IntentRow
 * @typedef {import('./replay-stream.js').Replayed} Replayed
 * @typedef {object} StreamEvidence
 * @property {string} workflowId
 * @property {import('./check-dispatch.js').Route} route
 * @property {readonly import('./evidence.js').IssueRow[]} issues that the route matches, by position
 * @property {(position: string) => string} idAt the id of a notification
 * @property {readonly Received[]} receipts in the order of arrival
 * @property {readonly IntentRow[]} intents
 * @property {(notificationId: string) => readonly import('./evidence.js').AttemptRow[]} attemptsOf
 * @property {import('./evidence.js').StateRow | undefined} state
 * @property {ReadonlySet<number>} refusals
 */

const TYPES = { trigger: 'alert.triggered', update: 'alert.updated', resolve: 'alert.resolved' };
/** A claim that nobody could answer is told of by the claim after it. */
const NOT_RESENT = 'UNCERTAIN_NOT_RESENT';

/**
 * Checks one stream: nothing lost, nothing reordered, nothing twice without a reason, nothing that must not be, and
 * the same end outside, in the row and in the issues.
 * @param {StreamEvidence} stream
 * @param {Counts} counts
 * @param {Violations} violations
 */
export function checkStream(stream, counts, violations) {
  const { workflowId, issues, idAt, receipts, intents } = stream;
  const intentOf = new Map(intents.map((intent) => [intent.notificationId, intent]));
  const positionOf = new Map(issues.map(({ position }) => [idAt(position), position]));
  const first = firstReceipts(receipts);
  const { steps, state } = replayStream(issues, stream.route, (position) => intentOf.get(idAt(position)));
  for (const step of steps) checkStep(stream, { step, intentOf, first }, counts, violations);
  for (const id of new Set([...first.keys(), ...intentOf.keys()])) {
    if (!positionOf.has(id)) violations.unexpected.push(`${id}: about no issue of this stream`);
  }
  checkOrder(workflowId, [...first.values()], positionOf, violations);
  checkDuplicates(stream, intentOf, counts, violations);
  checkPace(stream, violations);
  checkEnd(stream, { first, isOpen: state.status === 'firing', intentOf }, violations);
}

/**
 * @param {readonly Received[]} receipts
 * @returns {Map<string, Received>} by webhook id, in the order of arrival
 */
function firstReceipts(receipts) {
  /** @type {Map<string, Received>} */
  const first = new Map();
  for (const receipt of receipts) {
    if (!first.has(receipt.webhookId)) first.set(receipt.webhookId, receipt);
  }
  return first;
}

/**
 * @param {StreamEvidence} stream
 * @param {{ step: Replayed, intentOf: ReadonlyMap<string, IntentRow>, first: ReadonlyMap<string, Received> }} about
 * @param {Counts} counts
 * @param {Violations} violations
 */
function checkStep(stream, { step, intentOf, first }, counts, violations) {
  const { issue, kind, verdict, reason } = step;
  const id = stream.idAt(issue.position);
  const receipt = first.get(id);
  const intent = intentOf.get(id);
  if (kind === null) {
    if (receipt !== undefined)
      violations.unexpected.push(`${id}: ${receipt.type}, should be silent (${reason})`);
    else if (intent !== undefined)
      violations.unexpected.push(`${id}: has an intent, should be silent (${reason})`);
    return;
  }
  if (receipt !== undefined && receipt.type !== TYPES[kind])
    violations.unexpected.push(`${id}: ${receipt.type}, should be ${TYPES[kind]} (${reason})`);
  const isDropped = intent?.status === 'dropped';
  if (isDropped && receipt !== undefined) counts.refusedAfterReceipt++;
  const isAssumed = intent?.code === NOT_RESENT && intent.kind === 'update';
  if (isAssumed && receipt === undefined) counts.assumed++;
  if (verdict === 'allowed') {
    if (receipt !== undefined) counts.renotified++;
    if (intent?.status === 'delivered' && receipt === undefined && !isAssumed)
      violations.lost.push(`${id}: ${TYPES[kind]} is written down as delivered and never arrived`);
    return;
  }
  counts.expected++;
  if (isDropped) {
    counts.dropped++;
    const why = unjustified(stream, intent);
    if (why !== null) violations.lost.push(`${id}: ${TYPES[kind]} was dropped, ${why}`);
  } else if (receipt === undefined && !isAssumed) {
    const is = intent === undefined ? 'was never begun' : `is ${intent.status}`;
    violations.lost.push(`${id}: ${TYPES[kind]} (${reason}) never arrived and ${is}`);
  } else if (intent === undefined) {
    violations.lost.push(`${id}: ${TYPES[kind]} arrived and no intent tells of it`);
  }
}

/**
 * Why the receiver's faults do not explain that a notification was dropped; null where they do.
 * @param {StreamEvidence} stream
 * @param {IntentRow} intent
 */
function unjustified({ attemptsOf, refusals }, { notificationId, code }) {
  if (code !== 'REJECTED') return `${code ?? 'without a code'}, which nothing here can cause`;
  const answers = attemptsOf(notificationId).map(({ status }) => status);
  return answers.some((status) => refusals.has(status))
    ? null
    : `REJECTED, and the ledger tells of no answer that refuses for good (${answers.join(', ') || 'none'})`;
}

/**
 * @param {string} workflowId
 * @param {readonly Received[]} first
 * @param {ReadonlyMap<string, string>} positionOf
 * @param {Violations} violations
 */
function checkOrder(workflowId, first, positionOf, violations) {
  let latest = '0';
  for (const { webhookId, type } of first) {
    const position = positionOf.get(webhookId);
    if (position === undefined) continue;
    if (comparePositions(position, latest) < 0)
      violations.reordered.push(`${workflowId}: ${type} of ${position} arrived after ${latest}`);
    else latest = position;
  }
}

/**
 * @param {StreamEvidence} stream
 * @param {ReadonlyMap<string, IntentRow>} intentOf
 * @param {Counts} counts
 * @param {Violations} violations
 */
function checkDuplicates({ receipts, attemptsOf }, intentOf, counts, violations) {
  /** @type {Map<string, string[]>} */
  const answersOf = new Map();
  for (const { webhookId, answer } of receipts)
    answersOf.set(webhookId, [...(answersOf.get(webhookId) ?? []), answer]);
  for (const [id, answers] of answersOf) {
    if (answers.length === 1) continue;
    counts.duplicates += answers.length - 1;
    const wasUncertain =
      intentOf.get(id)?.wasUncertain === true ||
      attemptsOf(id).some(({ outcome }) => outcome === 'uncertain');
    if (!wasUncertain)
      violations.duplicatesWithoutUncertain.push(
        `${id}: received ${answers.length} times (${answers.join(', ')}), and nothing was uncertain`,
      );
  }
}

/**
 * A renotification is told at the earliest one interval after what was told before it.
 * @param {StreamEvidence} stream
 * @param {Violations} violations
 */
function checkPace({ route, intents }, violations) {
  const { renotifyIntervalMs } = route;
  /** @type {IntentRow | undefined} */
  let before;
  for (const intent of intents.toSorted((a, b) => comparePositions(a.position, b.position))) {
    if (intent.reason === 'renotify' && before !== undefined && renotifyIntervalMs !== null) {
      const pauseMs = intent.decidedAt - before.decidedAt;
      if (pauseMs < renotifyIntervalMs)
        violations.unexpected.push(`${intent.notificationId}: told again after ${Math.round(pauseMs)} ms`);
    }
    if (intent.status === 'delivered') before = intent;
  }
}

/**
 * @param {StreamEvidence} stream
 * @param {{ first: ReadonlyMap<string, Received>, isOpen: boolean, intentOf: ReadonlyMap<string, IntentRow> }} about
 *   `isOpen` is what the replay ends with
 * @param {Violations} violations
 */
function checkEnd({ workflowId, issues, idAt, intents, state }, { first, isOpen, intentOf }, violations) {
  const last = issues.at(-1);
  if (last === undefined) return;
  const telling = issues.findLast(({ status }) => status !== 'suppressed');
  const shouldBeOpen = telling?.status === 'firing';
  const lastReceipt = [...first.values()].at(-1);
  const isOpenOutside = lastReceipt !== undefined && lastReceipt.type !== TYPES.resolve;
  // What was refused for good was not told; that it was refused rightly is checked where it was lost.
  const wasRefused = telling !== undefined && intentOf.get(idAt(telling.position))?.status === 'dropped';
  if (isOpenOutside !== shouldBeOpen && !(wasRefused && shouldBeOpen && !isOpen))
    violations.wrongStates.push(
      `${workflowId}: ${word(isOpenOutside)} outside, should be ${word(shouldBeOpen)} after ${telling?.status ?? 'nothing'}`,
    );
  if (state === undefined) {
    violations.wrongStates.push(`${workflowId}: no state row`);
    return;
  }
  if ((state.status === 'firing') !== isOpenOutside)
    violations.wrongStates.push(`${workflowId}: ${state.status} in its row, ${word(isOpenOutside)} outside`);
  if (state.lastPosition !== last.position)
    violations.wrongStates.push(
      `${workflowId}: decided up to ${state.lastPosition ?? 'nothing'}, should be ${last.position}`,
    );
  const delivered = intents.filter(({ status }) => status === 'delivered').length;
  if (state.notificationCount !== delivered)
    violations.wrongStates.push(
      `${workflowId}: ${state.notificationCount} notifications in its row, ${delivered} intents delivered`,
    );
}

/** @param {boolean} isOpen */
function word(isOpen) {
  return isOpen ? 'open' : 'closed';
}
