import { alertWorkflowId } from '../../contract/alert-workflow-id.ts';
import { notificationIdOf } from '../../contract/notification-id.ts';
import { comparePositions } from '../../contract/position.ts';
import type { StreamState } from '../../contract/stream-state.ts';
import { isUnderWay } from '../../delivery/intent-status.ts';
import { eventHashOf } from '../../issues/event-hash.ts';
import type { BacklogStore } from '../../scan/backlog-store.ts';
import type { StreamLookUp } from '../../scan/stream-look-up.ts';
import { mayHaveOpenIncident, owesResolve } from '../../stream/owes-resolve.ts';
import { INITIAL_STREAM_STATE } from '../../stream/should-notify.ts';
import type { IntentOutcome, StreamStore } from '../../stream/stream-store.ts';
import type { DebtStore } from '../../sweep/debt-store.ts';
import { settleIntent } from '../memory-intents.ts';
import type { MemoryTables, StreamRow } from './memory-tables.ts';

/** The rows of alert streams in memory. */
export function memoryStreams(tables: MemoryTables): StreamStore {
  return {
    read: async (stream) => tables.streams.get(alertWorkflowId(stream))?.state ?? INITIAL_STREAM_STATE,
    async write({ stream, state, intents = [], ledger }) {
      const workflowId = alertWorkflowId(stream);
      const known = tables.streams.get(workflowId);
      if (state !== undefined && (known === undefined || !isNewer(known.state, state)))
        tables.streams.set(workflowId, { stream, state: storedState(state), updatedAt: tables.now() });
      for (const outcome of intents) applyOutcome(tables, outcome);
      if (ledger !== undefined && ledger.entries.length + ledger.runs.length > 0) tables.outbox.push(ledger);
    },
  };
}

/** Whether the state that is known is of a newer position, or of the same one after more notifications. */
function isNewer(known: StreamState, given: StreamState): boolean {
  if (known.lastPosition === null) return false;
  if (given.lastPosition === null) return true;
  const order = comparePositions(known.lastPosition, given.lastPosition);
  return order > 0 || (order === 0 && known.notificationCount > given.notificationCount);
}

/** A state as it reads back. */
function storedState(state: StreamState): StreamState {
  const { mayBeOpen = false, lastSeen = null, episode = null, silence = null, ...rest } = state;
  return { ...rest, lastSeen, episode, silence, ...(mayBeOpen ? { mayBeOpen } : {}) };
}

function applyOutcome(tables: MemoryTables, outcome: IntentOutcome): void {
  const known = tables.intents.get(outcome.notificationId);
  if (known === undefined) return;
  const row = settleIntent(known, outcome);
  if (row !== known)
    tables.intents.set(outcome.notificationId, {
      ...row,
      createdAt: known.createdAt,
      updatedAt: tables.now(),
    });
}

/** Finds the streams of a page in memory. */
export function memoryStreamLookUp(
  tables: MemoryTables,
  backlog: Pick<BacklogStore, 'listByFingerprint'>,
): StreamLookUp {
  return {
    async find({ fingerprints, resolved }) {
      const waiting = (
        await Promise.all([...new Set(fingerprints)].map((each) => backlog.listByFingerprint(each)))
      ).flat();
      const over = new Set(resolved);
      const open = [
        ...waiting.map(({ stream }) => stream),
        ...[...tables.streams.values()]
          .filter(({ state }) => mayHaveOpenIncident(state))
          .map(({ stream }) => stream),
        ...[...tables.intents.values()]
          .filter(({ status }) => isUnderWay(status))
          .map(({ stream }) => stream),
      ].filter(({ fingerprint }) => over.has(fingerprint));
      return {
        waiting: new Set(waiting.map(({ stream }) => alertWorkflowId(stream))),
        open: [...new Map(open.map((stream) => [alertWorkflowId(stream), stream])).values()],
      };
    },
  };
}

/** Resolve debt in memory. */
export function memoryDebts(tables: MemoryTables): DebtStore {
  return {
    async list({ after, limit }) {
      const [position = '18446744073709551615', workflowId = '~'] = after?.split(':') ?? [];
      const open = [...tables.streams.entries()]
        .filter(([, { state }]) => mayHaveOpenIncident(state) && state.lastPosition !== null)
        .filter(([id, { state }]) => compareOpen(positionOf(state), id, position, workflowId) < 0)
        .toSorted(([a, x], [b, y]) => compareOpen(positionOf(y.state), b, positionOf(x.state), a))
        .slice(0, limit);
      const last = open.length < limit ? undefined : open.at(-1);
      const next = last === undefined ? null : `${positionOf(last[1].state)}:${last[0]}`;
      return { next, debts: open.flatMap(([id, row]) => debtOf(tables, id, row)) };
    },
  };
}

function positionOf({ lastPosition }: StreamState): string {
  return lastPosition ?? '0';
}

function compareOpen(a: string, idOfA: string, b: string, idOfB: string): number {
  return comparePositions(a, b) || (idOfA === idOfB ? 0 : idOfA < idOfB ? -1 : 1);
}

function debtOf(tables: MemoryTables, workflowId: string, { stream, state, updatedAt }: StreamRow) {
  const known = new Set<string>();
  const news = tables.issues.filter(({ issue, visibleAt }) => {
    if (issue.fingerprint !== stream.fingerprint || visibleAt > tables.now()) return false;
    const event = `${issue.eventId} ${eventHashOf(issue)}`;
    const isRepeat = issue.eventId !== '' && known.has(event);
    known.add(event);
    return !isRepeat;
  });
  const newest = news
    .map(({ issue }) => issue)
    .toSorted((a, b) => comparePositions(a.position, b.position) || (a.eventId < b.eventId ? -1 : 1))
    .at(-1);
  if (newest === undefined || !owesResolve(state, newest)) return [];
  const intent = tables.intents.get(notificationIdOf(stream, newest.position));
  const { position, eventId, storedAt } = newest;
  return [
    {
      workflowId,
      stream,
      notifiedAt: state.lastNotifiedAt,
      issue: { position, eventId, storedAt },
      intent:
        intent === undefined
          ? null
          : { status: intent.status, code: intent.code, updatedAt: intent.updatedAt },
      updatedAt,
    },
  ];
}
