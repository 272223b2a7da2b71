import type { ReplayResult } from '@heliograph/temporal-worker/replay';
import { Page } from './layout.ts';
import type { Terminal } from './terminal.ts';

/** How many histories came to which end. */
export interface ReplayCounts {
  readonly fits: number;
  readonly breaks: number;
  readonly fails: number;
  readonly unreadable: number;
}

/** Counts outcomes. */
export function countOutcomes(results: readonly ReplayResult[]): ReplayCounts {
  const counts = { fits: 0, breaks: 0, fails: 0, unreadable: 0 };
  for (const { outcome } of results) counts[outcome.kind] += 1;
  return counts;
}

/** Lays out every history that does not fit, and the counts. */
export function renderReplay(
  results: readonly ReplayResult[],
  terminal: Pick<Terminal, 'env' | 'isTty' | 'columns'>,
): string {
  const page = new Page(terminal);
  for (const { source, workflowType, outcome } of results) {
    if (outcome.kind === 'fits') continue;
    page.add(`${source}${workflowType === null ? '' : ` (${workflowType})`}`, { style: 'strong' });
    switch (outcome.kind) {
      case 'breaks':
        page.add(`breaks ${placeOf(outcome)}: ${outcome.why}`, { indent: 2, hanging: 2, style: 'bad' });
        break;
      case 'fails':
        page.add(`fails: ${outcome.why}`, { indent: 2, hanging: 2, style: 'bad' });
        break;
      case 'unreadable':
        page.add(`cannot be read: ${outcome.why}`, { indent: 2, hanging: 2, style: 'waiting' });
    }
  }
  const { fits, breaks, fails, unreadable } = countOutcomes(results);
  if (fits < results.length) page.gap();
  return page
    .add(`${results.length} histories: ${fits} fit, ${breaks} break, ${fails} fail, ${unreadable} unreadable`)
    .toString();
}

function placeOf({
  eventId,
  eventType,
  workflowTaskId,
}: {
  readonly eventId: number | null;
  readonly eventType: string | null;
  readonly workflowTaskId: number | null;
}): string {
  const task =
    workflowTaskId === null ? '' : `, decided by the workflow task that ends with event ${workflowTaskId}`;
  if (eventId === null) return workflowTaskId === null ? 'somewhere' : `after event ${workflowTaskId}`;
  return `at event ${eventId}${eventType === null ? '' : ` ${eventType}`}${task}`;
}
