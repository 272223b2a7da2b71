import type { DebtAnswer } from './api-schemas.ts';
import { Page } from './layout.ts';
import type { Terminal } from './terminal.ts';

/** Lays out what is open outside although it is over. */
export function renderDebts(
  debts: readonly DebtAnswer[],
  hasMore: boolean,
  terminal: Pick<Terminal, 'env' | 'isTty' | 'columns'>,
): string {
  const page = new Page(terminal);
  if (debts.length === 0 && !hasMore) return page.add('Nothing is open that is over.').toString();
  const count = `${hasMore ? 'More than ' : ''}${debts.length}`;
  page.add(`${count} open outside although over:`, { style: 'strong' });
  for (const { fingerprint, routeId, connectedAppId, notifiedAt, issue, intent } of debts) {
    page.gap().add(fingerprint, { style: 'bad' });
    page.table(
      [
        ['route', routeId],
        ['app', connectedAppId],
        ['told', notifiedAt ?? 'unknown'],
        ['over', `${issue.storedAt} by event ${issue.eventId}`],
        [
          'resolve',
          intent === null
            ? 'not decided'
            : `${intent.status}${intent.code === null ? '' : ` (${intent.code})`} at ${intent.updatedAt}`,
        ],
      ],
      2,
    );
  }
  if (hasMore) page.gap().add('There are more: raise --limit.', { style: 'faint' });
  return page.toString();
}
