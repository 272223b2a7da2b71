import { Page } from './layout.ts';
import type { PendingActivity } from './read-activities.ts';
import type { Terminal } from './terminal.ts';

/** Lays out pending activities: one paragraph each, with its progress. */
export function renderActivities(
  activities: readonly PendingActivity[],
  workflowId: string,
  now: Date,
  terminal: Pick<Terminal, 'env' | 'isTty' | 'columns'>,
): string {
  const page = new Page(terminal);
  if (activities.length === 0) return page.add(`${workflowId}: no activity runs or waits`).toString();
  const ago = (at: Date | null): string =>
    at === null ? 'never' : `${Math.max(0, Math.round((now.getTime() - at.getTime()) / 1000))} s ago`;
  for (const each of activities) {
    const state = each.isRunning
      ? `runs on ${each.worker ?? 'a worker'}`
      : each.nextAttemptAt === null
        ? 'waits for a worker'
        : `waits for its next attempt at ${each.nextAttemptAt.toISOString()}`;
    page.add(`${each.activityType} (${each.activityId}), attempt ${each.attempt}: ${state}`, {
      style: each.isRunning ? 'good' : 'waiting',
      hanging: 2,
    });
    if (each.lastFailure !== null) page.add(`last failure: ${each.lastFailure}`, { indent: 2 });
    page.add(`last heartbeat: ${ago(each.heartbeatAt)}`, { indent: 2 });
    addProgress(page, each, ago);
  }
  return page.toString();
}

function addProgress(page: Page, { details, progress }: PendingActivity, ago: (at: Date) => string): void {
  if (details === 'unreadable')
    page.add('progress: encrypted; decode it with --keys or --codec-url', { indent: 2, style: 'waiting' });
  if (progress === null) return;
  const { percent, records, cursor, statusUrl, savedAt } = progress;
  const rows = [
    ['checkpoint', ago(new Date(savedAt))],
    ['percent', percent === undefined ? '' : `${Math.round(percent * 10) / 10} %`],
    ['records', records === undefined ? '' : String(records)],
    ['cursor', cursor === undefined ? '' : JSON.stringify(cursor)],
    ['status', statusUrl ?? ''],
  ];
  for (const [name, value] of rows)
    if (value !== '') page.add(`${name}: ${value}`, { indent: 2, hanging: 2 });
}
