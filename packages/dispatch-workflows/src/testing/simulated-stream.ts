import { endingRows, recordRows } from '../delivery/delivery-rows.ts';
import type { DeliveryOrder } from '../contract/delivery-order.ts';
import type { IssueSignal } from '../contract/issue-signal.ts';
import type { SilentRun, StreamKey, StreamState } from '../contract/stream-state.ts';
import { AlertStream } from '../stream/alert-stream.ts';
import {
  applyDecision,
  applyDrop,
  INITIAL_STREAM_STATE,
  applyDelivery,
  shouldNotify,
} from '../stream/should-notify.ts';
import { notificationIdOf } from '../contract/notification-id.ts';
import { comparePositions } from '../contract/position.ts';
import type { LedgerEntry } from '../ledger/ledger-entry.ts';
import type { StoredRun } from '../ledger/ledger-store.ts';

/** What is done with a stream: signals that are decided together, at an instant. */
export interface Step {
  readonly at: number;
  readonly signals: readonly IssueSignal[];
}

/** What a stream wrote down, and what it decided about each position, in order. */
export interface Simulated {
  readonly entries: readonly LedgerEntry[];
  readonly runs: readonly StoredRun[];
  readonly state: StreamState;
  readonly decisions: ReadonlyMap<string, readonly string[]>;
}

/** What becomes of a notification; one that is dropped in doubt may be open at the provider. */
export type SimulatedFate = 'delivered' | 'dropped' | 'dropped in doubt';

/** Runs steps through a stream; `fateOf` says what becomes of its notifications. */
export async function simulateStream(
  key: StreamKey,
  steps: readonly Step[],
  fateOf: (order: Pick<DeliveryOrder, 'notificationId'>) => SimulatedFate,
): Promise<Simulated> {
  const entries: LedgerEntry[] = [];
  const silent: SilentRun[] = [];
  const stream = new AlertStream(key, INITIAL_STREAM_STATE);
  for (const { at, signals } of steps) {
    for (const signal of signals) stream.push(signal);
    const ports = {
      now: () => at,
      hasPatch: () => true,
      hasIntent: async () => false,
      deliver: async (order: DeliveryOrder) => {
        const fate = fateOf(order);
        const ending =
          fate === 'delivered'
            ? ({ kind: 'delivered', provider: 'webhook', externalId: null } as const)
            : ({ kind: 'dropped', code: 'REJECTED', ...doubtOf(fate) } as const);
        const { ledger } = endingRows(order, ending, { at, claims: 1 });
        entries.push(...(ledger?.entries ?? []));
        silent.push(...(ledger?.runs ?? []));
        return { ...ending, recorded: true };
      },
      record: async (_: StreamKey, __: StreamState, more: Parameters<typeof recordRows>[1]) => {
        const { ledger } = recordRows(key, more, at);
        entries.push(...ledger.entries);
        silent.push(...ledger.runs);
      },
    };
    await stream.drain(ports);
    await stream.flush(ports);
  }
  return {
    entries,
    runs: mergeRuns(key, silent),
    state: stream.state,
    decisions: decisionsOf(steps, (notificationId) => fateOf({ notificationId }), key),
  };
}

function doubtOf(fate: SimulatedFate): { readonly mayBeOpen?: true } {
  return fate === 'dropped in doubt' ? { mayBeOpen: true } : {};
}

/** As the database puts runs together. */
function mergeRuns({ routeId, connectedAppId }: StreamKey, runs: readonly SilentRun[]): readonly StoredRun[] {
  const groups = new Map<string, StoredRun>();
  for (const { reason, since, version, first, last, count } of runs) {
    const id = `${reason} ${since} ${version}`;
    const known = groups.get(id);
    const earlier = known !== undefined && comparePositions(known.firstPosition, first.position) < 0;
    const later = known !== undefined && comparePositions(known.lastPosition, last.position) > 0;
    groups.set(id, {
      routeId,
      connectedAppId,
      reason,
      since,
      version,
      firstPosition: earlier ? known.firstPosition : first.position,
      lastPosition: later ? known.lastPosition : last.position,
      firstAt: Math.min(known?.firstAt ?? Infinity, first.at),
      lastAt: Math.max(known?.lastAt ?? 0, last.at),
      count: (known?.count ?? 0) + count,
    });
  }
  return [...groups.values()];
}

/** The same decisions, made one by one. */
function decisionsOf(
  steps: readonly Step[],
  fateOf: (notificationId: string) => SimulatedFate,
  key: StreamKey,
): ReadonlyMap<string, readonly string[]> {
  const decisions = new Map<string, string[]>();
  let state = INITIAL_STREAM_STATE;
  for (const { at, signals } of steps) {
    for (const signal of signals.toSorted((a, b) => comparePositions(a.position, b.position))) {
      const decision = shouldNotify(state, signal, at);
      const known = decisions.get(signal.position) ?? [];
      decisions.set(signal.position, [...known, decision.reason]);
      if (!decision.notify) {
        state = applyDecision(state, signal, decision.reason);
        continue;
      }
      const fate = fateOf(notificationIdOf(key, signal.position));
      state =
        fate === 'delivered'
          ? applyDelivery(state, signal, { now: at, provider: 'webhook', externalId: null })
          : applyDrop(state, signal, { reason: decision.reason, mayBeOpen: false, ...doubtOf(fate) });
    }
  }
  return decisions;
}
