import { setTimeout as sleep } from 'node:timers/promises';
import type { DispatchClient } from '@heliograph/dispatch-api';
import { alertWorkflowId } from '@heliograph/dispatch-workflows';
import type { NotificationSink } from '@heliograph/simulators';
import type { Stack } from '@heliograph/stack';
import type { Acknowledged, Evidence, Route } from './check-dispatch.ts';
import type { Explanation } from './check-explanations.ts';
import {
  readClickHouse,
  readPostgres,
  type ClickHouseEvidence,
  type IssueRow,
  type PostgresEvidence,
} from './evidence.ts';
import { DATABASE } from './launch-dispatch.ts';

export interface Sources {
  readonly stack: Stack;
  readonly sink: NotificationSink;
  readonly client: DispatchClient;
  readonly acknowledged: readonly Acknowledged[];
  readonly routes: readonly Route[];
  readonly refusals: ReadonlySet<number>;
  readonly maxLatencyMs?: number | undefined;
  readonly signal: AbortSignal;
}

type Found = PostgresEvidence & ClickHouseEvidence;

/** How long everything may take after the last issue, in milliseconds. */
const SETTLE_MS = 150_000;
/** Longer than any pause between two attempts: after such a standstill nothing changes any more. */
const STANDSTILL_MS = 45_000;
/** How long the ledger may take after everything else, in milliseconds. */
const LEDGER_MS = 10_000;
/** Whatever must not arrive would arrive in this time. */
const QUIET_MS = 5000;
/** Questions to the explain API at once. */
const LANES = 8;

/** Waits until nothing is under way any more, or time is up, and reads what is there then. */
export async function gatherEvidence(sources: Sources): Promise<Evidence & { readonly settledMs: number }> {
  const { stack, sink, acknowledged, routes, refusals, maxLatencyMs, signal } = sources;
  const clickhouseUrl = stack.env['HELIOGRAPH_CLICKHOUSE_URL'] ?? '';
  const postgresUrl = stack.env['HELIOGRAPH_POSTGRES_URL'] ?? '';
  const startedAt = performance.now();
  const read = async (): Promise<Found> => ({
    ...(await readClickHouse(clickhouseUrl, DATABASE)),
    ...(await readPostgres(postgresUrl)),
  });
  const living = livingApps(routes);
  const isOfLivingApp = ({ workflowId }: { readonly workflowId: string }): boolean => living(workflowId);
  let seen = '';
  let changedAt = startedAt;
  for (;;) {
    const found = await read();
    const now = performance.now();
    // A dead app is asked again and again.
    const newest = found.intents
      .filter(isOfLivingApp)
      .reduce((latest, { updatedAt }) => Math.max(latest, updatedAt), 0);
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
  const explanations = await explainAll(sources);
  return {
    ...(await read()),
    settledMs,
    acknowledged,
    routes,
    refusals,
    maxLatencyMs,
    explanations,
    received: sink.records.map(({ order, webhookId, answer, body, timestamp }) => ({
      order,
      webhookId,
      streamId: body.streamId,
      type: body.type,
      answer,
      at: Number(timestamp) * 1000,
    })),
  };
}

/** Whether everything was decided, nothing is being delivered, and no resolve is owed. */
function isSettled({ issues, intents, states, outbox }: Found, all: readonly Route[]): boolean {
  const routes = all.filter(({ isDead }) => isDead !== true);
  const living = livingApps(all);
  const isUnderWay = ({ workflowId, status }: Found['intents'][number]): boolean =>
    status !== 'delivered' && status !== 'dropped' && living(workflowId);
  if (outbox > 0 || intents.some(isUnderWay)) return false;
  const last = new Map<string, IssueRow>();
  for (const issue of issues) {
    for (const { id, connectedAppId, matches } of routes) {
      const { fingerprint } = issue;
      if (matches(issue)) last.set(alertWorkflowId({ fingerprint, routeId: id, connectedAppId }), issue);
    }
  }
  const rows = new Map(states.map((state) => [state.workflowId, state]));
  return [...last].every(([workflowId, { position, status }]) => {
    const row = rows.get(workflowId);
    return row?.lastPosition === position && !(row.status === 'firing' && status === 'resolved');
  });
}

/** Whether a stream is of an app that is not dead. */
function livingApps(routes: readonly Route[]): (workflowId: string) => boolean {
  const apps = new Set(
    routes.filter(({ isDead }) => isDead !== true).map(({ connectedAppId }) => connectedAppId),
  );
  return (workflowId) => apps.has(workflowId.slice(workflowId.lastIndexOf('-') + 1));
}

/** Asks the explain API about every acknowledged issue. */
async function explainAll({
  client,
  acknowledged,
  signal,
}: Sources): Promise<ReadonlyMap<string, Explanation | string>> {
  const answers = new Map<string, Explanation | string>();
  const left = acknowledged.values();
  const lane = async (): Promise<void> => {
    for (const { eventId, fingerprint } of left) {
      const answer = await client.explainAlert({ query: { fingerprint, eventId }, signal }).then(
        ({ body }) => body,
        (error: unknown) => (error instanceof Error ? error.message : 'no answer'),
      );
      signal.throwIfAborted();
      answers.set(eventId, answer);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return answers;
}
