import { comparePositions } from '../../contract/position.ts';
import { toFingerprint } from '../../issues/fingerprint.ts';
import type { StoredEvent } from '../../issues/issue.ts';
import type { IssueStore } from '../../issues/issue-store.ts';
import { compareRows } from '../../scan/scan-window.ts';
import type { IssueRow, MemoryTables } from './memory-tables.ts';

/** Issues in memory; `visibleAfterMs` gives how long after its insert a row can be read. */
export function memoryIssues(tables: MemoryTables, visibleAfterMs: () => number = () => 0): IssueStore {
  const visible = (): readonly IssueRow[] =>
    tables.issues.filter(({ visibleAt }) => visibleAt <= tables.now());
  return {
    async append(issues, deduplicationToken) {
      if (tables.insertTokens.has(deduplicationToken)) return;
      tables.insertTokens.add(deduplicationToken);
      const storedAt = tables.now();
      const visibleAt = storedAt + visibleAfterMs();
      for (const issue of issues) {
        const position = tables.nextPosition();
        const { eventHash = '0', fingerprint } = issue;
        tables.issues.push({
          issue: { ...issue, fingerprint: toFingerprint(fingerprint), eventHash, position, storedAt },
          visibleAt,
        });
      }
    },
    async findEvents(eventIds) {
      const wanted = new Set(eventIds);
      const found = new Map<string, StoredEvent[]>();
      for (const { issue } of visible()) {
        const { eventId, position, eventHash = '0' } = issue;
        if (!wanted.has(eventId)) continue;
        const events = found.get(eventId) ?? [];
        if (events.length < 20 && !events.some((event) => event.eventHash === eventHash))
          found.set(eventId, [...events, { position, eventHash }]);
      }
      return found;
    },
    async scan({ from, after, limit }) {
      return visible()
        .map(({ issue }) => issue)
        .filter((issue) => comparePositions(issue.position, from) >= 0 && compareRows(issue, after) > 0)
        .toSorted(compareRows)
        .slice(0, limit);
    },
    async findUnseen({ after, upTo, limit }) {
      const seen = new Set<string>();
      for (const { stage, position, eventId } of tables.ledger.values())
        if (stage === 'seen') seen.add(`${position} ${eventId}`);
      return visible()
        .map(({ issue }) => issue)
        .filter(
          ({ position, eventId }) =>
            comparePositions(position, after) > 0 &&
            comparePositions(position, upTo) <= 0 &&
            !seen.has(`${position} ${eventId}`),
        )
        .toSorted(compareRows)
        .slice(0, limit);
    },
    async read({ position, eventId }) {
      const found = visible().find(({ issue }) => issue.position === position && issue.eventId === eventId);
      return found?.issue ?? null;
    },
  };
}
