import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import type { IssueSignal } from '../contract/issue-signal.ts';
import { comparePositions } from '../contract/position.ts';
import type { BacklogReason } from '../scan/backlog-reason.ts';
import { signalsThatCount } from '../stream/compact-inbox.ts';
import { type BacklogEntry, type BacklogStore, UNREACHABLE_AT_ONCE } from '../scan/backlog-store.ts';

/** The backlog in memory, on a clock of milliseconds; it passes the contract of the one in PostgreSQL. */
export function memoryBacklog(
  now: () => number,
): BacklogStore & { readonly entries: ReadonlyMap<string, BacklogEntry> } {
  const entries = new Map<string, BacklogEntry>();
  /** Whatever was parked of each stream that waits. */
  const all = new Map<string, readonly IssueSignal[]>();
  const byWait = (a: BacklogEntry, b: BacklogEntry): number =>
    a.parkedAt - b.parkedAt || (alertWorkflowId(a.stream) < alertWorkflowId(b.stream) ? -1 : 1);
  return {
    entries,
    async park(items) {
      for (const { stream, signals, reason } of items) {
        const id = alertWorkflowId(stream);
        const known = entries.get(id);
        const attempts = reason === 'unreachable' ? 1 : 0;
        const parked = [...(all.get(id) ?? []), ...signals];
        all.set(id, parked);
        const counting = signalsThatCount(parked);
        const signal = counting.at(-1);
        if (signal === undefined) throw new Error('a stream is parked with at least one signal');
        const [suppressed] = counting.slice(0, -1);
        entries.set(id, {
          stream,
          reason: known?.reason ?? reason,
          attempts: known?.attempts ?? attempts,
          parkedAt: known?.parkedAt ?? now(),
          nextAttemptAt: known?.nextAttemptAt ?? now() + attempts * 1000,
          signal,
          ...(suppressed === undefined ? {} : { suppressed }),
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
      const waiting = [...entries.values()];
      const due = waiting.filter(({ nextAttemptAt }) => nextAttemptAt <= now());
      return {
        appIds: [...new Set(due.map(({ stream }) => stream.connectedAppId))].toSorted(),
        nextAttemptInMs:
          waiting.length === 0
            ? null
            : Math.max(0, Math.min(...waiting.map(({ nextAttemptAt }) => nextAttemptAt)) - now()),
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
        if (entries.get(id)?.signal.position !== signal.position) continue;
        entries.delete(id);
        all.delete(id);
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
      const waiting = [...entries.values()];
      const of = (reason: BacklogReason): number => waiting.filter((each) => each.reason === reason).length;
      return {
        streams: { over_share: of('over_share'), unreachable: of('unreachable') },
        oldestAgeMs: Math.max(0, ...waiting.map(({ parkedAt }) => now() - parkedAt)),
      };
    },
  };
}
