import { setTimeout as sleep } from 'node:timers/promises';
import { readClickHouse, readPostgres } from './evidence.js';
import { DATABASE } from './dispatch-processes.js';

/**
 * @typedef {import('./check-dispatch.js').Evidence} Evidence
 * @typedef {object} Sources
 * @property {import('@heliograph/stack').Stack} stack
 * @property {import('@heliograph/simulators').NotificationSink} sink
 * @property {import('./api-client.js').ApiClient} api
 * @property {readonly import('./check-dispatch.js').Acknowledged[]} acknowledged
 * @property {readonly import('./check-dispatch.js').Route[]} routes
 * @property {ReadonlySet<number>} refusals
 * @property {AbortSignal} signal
 */

/** How long everything may take after the last issue, in milliseconds. */
const SETTLE_MS = 150_000;
/** Longer than any pause between two attempts: what does not change for so long does not change any more. */
const STANDSTILL_MS = 45_000;
/** How long the ledger may take after everything else, in milliseconds. */
const LEDGER_MS = 10_000;
/** What should not come would come in this time. */
const QUIET_MS = 5000;
/** Questions to the explain API at once. */
const ASKING = 8;

/**
 * Waits until nothing is under way any more, or time is up, and reads what is there then.
 * @param {Sources} sources
 * @returns {Promise<Evidence & { settledMs: number }>}
 */
export async function gatherEvidence(sources) {
  const { stack, sink, acknowledged, routes, refusals, signal } = sources;
  const clickhouseUrl = String(stack.env['HELIOGRAPH_CLICKHOUSE_URL']);
  const postgresUrl = String(stack.env['HELIOGRAPH_POSTGRES_URL']);
  const startedAt = performance.now();
  const read = async () => ({
    ...(await readClickHouse(clickhouseUrl, DATABASE)),
    ...(await readPostgres(postgresUrl)),
  });
  let seen = '';
  let changedAt = startedAt;
  for (;;) {
    const found = await read();
    const now = performance.now();
    const newest = found.intents.reduce((latest, { updatedAt }) => Math.max(latest, updatedAt), 0);
    const decided = found.states.map(({ lastPosition }) => lastPosition);
    const sign = JSON.stringify([sink.records.length, found.intents.length, newest, decided]);
    if (sign !== seen) changedAt = now;
    seen = sign;
    const isOver = now - changedAt > STANDSTILL_MS || now - startedAt > SETTLE_MS;
    if (isOver || isSettled(found, routes)) break;
    await sleep(1000, undefined, { signal });
  }
  const settledMs = performance.now() - startedAt;
  const ledgerBy = performance.now() + LEDGER_MS;
  while ((await read()).outbox > 0 && performance.now() < ledgerBy) await sleep(500, undefined, { signal });
  await sleep(QUIET_MS, undefined, { signal });
  const explanations = await explain(sources);
  return {
    ...(await read()),
    settledMs,
    acknowledged,
    routes,
    refusals,
    explanations,
    received: sink.records.map(({ order, webhookId, answer, body }) => ({
      order,
      webhookId,
      streamId: body.streamId,
      type: body.type,
      answer,
    })),
  };
}

/**
 * Everything was decided, nothing is being delivered, and no resolve is owed.
 * @param {import('./evidence.js').PostgresEvidence & import('./evidence.js').ClickHouseEvidence} found
 * @param {readonly import('./check-dispatch.js').Route[]} routes
 */
function isSettled({ issues, intents, states, outbox }, routes) {
  if (outbox > 0 || intents.some(({ status }) => status !== 'delivered' && status !== 'dropped'))
    return false;
  /** @type {Map<string, import('./evidence.js').IssueRow>} */
  const last = new Map();
  for (const issue of issues) {
    for (const { id, connectedAppId, matches } of routes) {
      if (matches(issue)) last.set(`alert-${issue.fingerprint}-${id}-${connectedAppId}`, issue);
    }
  }
  const rows = new Map(states.map((state) => [state.workflowId, state]));
  return [...last].every(([workflowId, { position, status }]) => {
    const row = rows.get(workflowId);
    return row?.lastPosition === position && !(row.status === 'firing' && status === 'resolved');
  });
}

/**
 * Asks the explain API about every acknowledged issue.
 * @param {Sources} sources
 * @returns {Promise<Map<string, unknown>>}
 */
async function explain({ api, acknowledged }) {
  /** @type {Map<string, unknown>} */
  const answers = new Map();
  const left = acknowledged.values();
  const lane = async () => {
    for (const { eventId, fingerprint } of left) {
      const query = new URLSearchParams({ fingerprint, eventId });
      answers.set(eventId, await api.get(`/api/v1/explain?${query.toString()}`));
    }
  };
  await Promise.all(Array.from({ length: ASKING }, lane));
  return answers;
}
