import type { AnswerTo } from '@heliograph/dispatch-api';
import { Page } from './layout.ts';
import type { Terminal } from './terminal.ts';

/** Lays out the incidents that are still open at the provider although their alerts have resolved. */
export function renderDebts(
  debts: AnswerTo<'listResolveDebts'>['body']['items'],
  hasMore: boolean,
  terminal: Pick<Terminal, 'env' | 'isTty' | 'columns'>,
): string {
  const page = new Page(terminal);
  if (debts.length === 0 && !hasMore)
    return page.add('Every incident whose alert has resolved is closed at the provider.').toString();
  const count = `${hasMore ? 'More than ' : ''}${debts.length}`;
  const isOne = debts.length === 1 && !hasMore;
  const what = isOne
    ? 'incident is still open at the provider although its alert has resolved'
    : 'incidents are still open at the provider although their alerts have resolved';
  page.add(`${count} ${what}`, { style: 'strong' });
  for (const { fingerprint, routeId, connectedAppId, notifiedAt, issue, intent } of debts) {
    page.gap().add(fingerprint, { style: 'bad' });
    page.table(
      [
        ['route', routeId],
        ['connected app', connectedAppId],
        ['last notified', notifiedAt ?? 'unknown'],
        ['alert resolved', `${issue.storedAt} by event ${issue.eventId}`],
        [
          'owed resolve',
          intent === null
            ? 'not decided'
            : `${intent.status}${intent.code === null ? '' : ` (${intent.code})`} at ${intent.updatedAt}`,
        ],
      ],
      2,
    );
  }
  if (hasMore) page.gap().add('There are more. Raise --limit to list them.', { style: 'faint' });
  return page.toString();
}
