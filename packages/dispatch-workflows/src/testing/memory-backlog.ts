import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import type { IssueSignal } from '../contract/issue-signal.ts';
import { comparePositions } from '../contract/position.ts';
import type { BacklogReason } from '../scan/backlog-reason.ts';
import { type BacklogEntry, type BacklogStore, UNREACHABLE_AT_ONCE } from '../scan/backlog-store.ts';

/** The backlog in memory, on a clock of milliseconds; it passes the contract of the one in PostgreSQL. */
export function memoryBacklog(
  now: () => number,
): BacklogStore & { readonly entries: ReadonlyMap<string, BacklogEntry> } {
  const entries = new Map<string, BacklogEntry>();
  const byWait = (a: BacklogEntry, b: BacklogEntry): number =>
    a.parkedAt - b.parkedAt || (alertWorkflowId(a.stream) < alertWorkflowId(b.stream) ? -1 : 1);
  return {
    entries,
    async park(items) {
      for (const { stream, signals, reason } of items) {
        const id = alertWorkflowId(stream);
        const known = entries.get(id);
        const attempts = reason === 'unreachable' ? 1 : 0;
        const all = [...(known === undefined ? [] : [known.signal]), ...signals];
        entries.set(id, {
          ...(known ?? {
            stream,
            reason,
            attempts,
            parkedAt: now(),
            nextAttemptAt: now() + attempts * 1000,
          }),
          signal: all.reduce((a, b) => newer(a, b)),
          firstPosition: signals
            .map(({ position }) => position)
            .reduce(
              (a, b) => (comparePositions(a, b) < 0 ? a : b),
              known?.firstPosition ?? signals[0]?.position ?? '0',
            ),
          signals: (known?.signals ?? 0) + signals.length,
        });
      }
    },
    async listDue() {
      const all = [...entries.values()];
      const due = all.filter(({ nextAttemptAt }) => nextAttemptAt <= now());
      return {
        appIds: [...new Set(due.map(({ stream }) => stream.connectedAppId))].toSorted(),
        nextAttemptInMs:
          all.length === 0
            ? null
            : Math.max(0, Math.min(...all.map(({ nextAttemptAt }) => nextAttemptAt)) - now()),
      };
    },
    async takeDue(starts, limit) {
      const turns = [...starts].flatMap(([appId, count]) => {
        const due = [...entries.values()]
          .filter(({ stream, nextAttemptAt }) => stream.connectedAppId === appId && nextAttemptAt <= now())
          .toSorted(byWait);
        const unreachable = due
          .filter(({ reason }) => reason === 'unreachable')
          .slice(0, UNREACHABLE_AT_ONCE);
        return [...new Set([...due.slice(0, count), ...unreachable])]
          .toSorted(byWait)
          .map((entry, turn) => ({ entry, turn }));
      });
      return turns
        .toSorted((a, b) => a.turn - b.turn || byWait(a.entry, b.entry))
        .slice(0, limit)
        .map(({ entry }) => entry);
    },
    async remove(handedOver) {
      for (const { stream, signal } of handedOver) {
        const id = alertWorkflowId(stream);
        if (entries.get(id)?.signal.position === signal.position) entries.delete(id);
      }
    },
    async postpone(streams, reason) {
      for (const stream of streams) {
        const id = alertWorkflowId(stream);
        const known = entries.get(id);
        if (known === undefined) continue;
        const failed = reason === 'unreachable' ? 1 : 0;
        const waitMs = failed * Math.min(300, 2 ** Math.min(known.attempts, 10)) * 1000;
        entries.set(id, {
          ...known,
          reason,
          attempts: known.attempts + failed,
          nextAttemptAt: now() + waitMs,
        });
      }
    },
    listByFingerprint: async (fingerprint) =>
      [...entries.values()].filter(({ stream }) => stream.fingerprint === fingerprint),
    async summarize() {
      const all = [...entries.values()];
      const of = (reason: BacklogReason): number => all.filter((each) => each.reason === reason).length;
      return {
        streams: { over_share: of('over_share'), unreachable: of('unreachable') },
        oldestAgeMs: Math.max(0, ...all.map(({ parkedAt }) => now() - parkedAt)),
      };
    },
  };
}

/** The newer of two signals; of two about one issue the one that asks for an owed resolve. */
function newer(a: IssueSignal, b: IssueSignal): IssueSignal {
  const order = comparePositions(b.position, a.position);
  return order > 0 || (order === 0 && b.owed === true) ? b : a;
}
