/**
 * @typedef {{ eventId: string, fingerprint: string, status: 'firing' | 'resolved' | 'suppressed', position: string }} IssueRow
 * @typedef {{ fingerprint: string, eventId: string, type: 'alert.triggered' | 'alert.resolved' }} Expected
 * @typedef {{ webhookId: string, eventId: string, fingerprint: string, type: string, answer: string }} Received
 * @typedef {{ fingerprint: string, status: string, lastPosition: string, notificationCount: number }} StateRow
 * @typedef {object} Verdict
 * @property {number} expected notifications
 * @property {readonly string[]} lost
 * @property {readonly string[]} unexpected
 * @property {readonly string[]} reordered
 * @property {number} duplicates requests beyond the first of one notification; they carry the same webhook id
 * @property {readonly string[]} wrongStates
 * @property {readonly string[]} forgotten issues that were acknowledged and are not stored
 */

/**
 * What should have been notified, out of what is stored and nothing else: a firing issue opens a stream that is not
 * open, a resolved one closes one that is.
 * @param {readonly IssueRow[]} issues in the order of their positions
 * @returns {readonly Expected[]}
 */
export function expectedNotifications(issues) {
  /** @type {Set<string>} */
  const open = new Set();
  /** @type {Expected[]} */
  const expected = [];
  for (const { fingerprint, eventId, status } of issues) {
    if (status === 'firing' && !open.has(fingerprint)) {
      open.add(fingerprint);
      expected.push({ fingerprint, eventId, type: 'alert.triggered' });
    } else if (status === 'resolved' && open.has(fingerprint)) {
      open.delete(fingerprint);
      expected.push({ fingerprint, eventId, type: 'alert.resolved' });
    }
  }
  return expected;
}

/**
 * Compares what should have happened with what a receiver saw and what the state rows say.
 * @param {{ issues: readonly IssueRow[], acknowledged: readonly string[], received: readonly Received[], states: readonly StateRow[] }} evidence
 * @returns {Verdict}
 */
export function checkDispatch({ issues, acknowledged, received, states }) {
  const expected = expectedNotifications(issues);
  const keyOf = (/** @type {{ eventId: string, type: string }} */ { eventId, type }) => `${type} ${eventId}`;
  const place = new Map(expected.map((each, index) => [keyOf(each), index]));
  const accepted = received.filter(({ answer }) => answer === 'accepted' || answer === 'slow');
  /** @type {Map<string, string>} */
  const firstOf = new Map();
  /** @type {Map<string, number>} */
  const latest = new Map();
  const unexpected = [];
  const reordered = [];
  let duplicates = 0;
  for (const request of accepted) {
    const key = keyOf(request);
    const index = place.get(key);
    if (index === undefined) {
      unexpected.push(`${request.fingerprint}: ${key}`);
      continue;
    }
    const before = firstOf.get(key);
    if (before !== undefined) {
      // A resend is the same notification only under the same id.
      if (before !== request.webhookId) unexpected.push(`${request.fingerprint}: ${key} under two ids`);
      duplicates++;
      continue;
    }
    firstOf.set(key, request.webhookId);
    const last = latest.get(request.fingerprint) ?? -1;
    if (index < last) reordered.push(`${request.fingerprint}: ${key}`);
    latest.set(request.fingerprint, Math.max(index, last));
  }
  const stored = new Set(issues.map(({ eventId }) => eventId));
  return {
    expected: expected.length,
    lost: expected
      .filter((each) => !firstOf.has(keyOf(each)))
      .map((each) => `${each.fingerprint}: ${keyOf(each)}`),
    unexpected,
    reordered,
    duplicates,
    wrongStates: wrongStates(expected, states),
    forgotten: acknowledged.filter((eventId) => !stored.has(eventId)),
  };
}

/**
 * @param {readonly Expected[]} expected
 * @param {readonly StateRow[]} states
 * @returns {readonly string[]}
 */
function wrongStates(expected, states) {
  /** @type {Map<string, { status: string, count: number }>} */
  const wanted = new Map();
  for (const { fingerprint, type } of expected) {
    const count = (wanted.get(fingerprint)?.count ?? 0) + 1;
    wanted.set(fingerprint, { status: type === 'alert.triggered' ? 'firing' : 'resolved', count });
  }
  const found = new Map(states.map((state) => [state.fingerprint, state]));
  return [...wanted].flatMap(([fingerprint, { status, count }]) => {
    const state = found.get(fingerprint);
    if (state?.status === status && state.notificationCount === count) return [];
    const is = state === undefined ? 'no row' : `${state.status} after ${state.notificationCount}`;
    return [`${fingerprint}: ${is}, should be ${status} after ${count}`];
  });
}
