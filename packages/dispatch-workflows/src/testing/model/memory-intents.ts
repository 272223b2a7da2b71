import { alertWorkflowId } from '../../contract/alert-workflow-id.ts';
import { type Position, comparePositions } from '../../contract/position.ts';
import { isInDoubt, isUnderWay } from '../../delivery/intent-status.ts';
import type { Intent, IntentStore } from '../../delivery/intent-store.ts';
import { mayHaveOpenIncident } from '../../stream/owes-resolve.ts';
import { claimIntent, claimOf } from '../memory-intents.ts';
import type { IntentRow, MemoryTables } from './memory-tables.ts';

/** Delivery intents in memory. */
export function memoryIntents(tables: MemoryTables): IntentStore {
  return {
    async claim(request) {
      const { notificationId } = request.order;
      const known = tables.intents.get(notificationId);
      const row = claimIntent(known, request);
      const now = tables.now();
      if (row !== known)
        tables.intents.set(notificationId, { ...row, createdAt: known?.createdAt ?? now, updatedAt: now });
      const passedTo = passedBy(tables, row);
      return { ...claimOf(row, request), ...(passedTo === null ? {} : { passedTo }) };
    },
    read: async (ids) =>
      ids.toSorted().flatMap((id) => {
        const row = tables.intents.get(id);
        return row === undefined ? [] : [intentOf(row)];
      }),
    listPassed: async (untouchedMs) =>
      [...tables.intents.values()]
        .filter((row) => isPassed(tables, row) && isUnderWay(row.status))
        .filter(({ updatedAt }) => updatedAt < tables.now() - untouchedMs)
        .toSorted((a, b) => a.updatedAt - b.updatedAt)
        .slice(0, 500)
        .map(intentOf),
    async deleteSettled(olderThanMs) {
      const before = tables.now() - olderThanMs;
      const old = [...tables.intents.values()]
        .filter(({ status }) => !isUnderWay(status))
        .filter(({ createdAt, updatedAt }) => createdAt < before && updatedAt < before)
        .slice(0, 5000);
      for (const { notificationId } of old) tables.intents.delete(notificationId);
      return old.length;
    },
  };
}

function intentOf(row: IntentRow): Intent {
  const { foundStatus: _, inputs: __, createdAt: ___, ...intent } = row;
  return intent;
}

/** The newest position that a stream has decided, in other intents also where the outcome is in doubt. */
function passedBy(
  tables: MemoryTables,
  { stream, notificationId }: Pick<IntentRow, 'stream' | 'notificationId'>,
): Position | null {
  const id = alertWorkflowId(stream);
  const doubtful = [...tables.intents.values()].filter(
    (other) =>
      alertWorkflowId(other.stream) === id &&
      other.notificationId !== notificationId &&
      isInDoubt(other.status),
  );
  const decided = tables.streams.get(id)?.state.lastPosition ?? null;
  return [
    ...doubtful.map(({ position }) => position),
    ...(decided === null ? [] : [decided]),
  ].reduce<Position | null>(
    (newest, each) => (newest === null || comparePositions(each, newest) > 0 ? each : newest),
    null,
  );
}

function isPassed(tables: MemoryTables, { stream, position, reason }: IntentRow): boolean {
  const state = tables.streams.get(alertWorkflowId(stream))?.state;
  if (state === undefined || state.lastPosition === null) return false;
  const order = comparePositions(state.lastPosition, position);
  return order > 0 || (order === 0 && !(reason === 'resolve_owed' && mayHaveOpenIncident(state)));
}
