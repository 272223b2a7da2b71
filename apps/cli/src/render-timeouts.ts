import {
  type ActivityClass,
  type ErrorKind,
  formatDuration,
  type RetryRules,
  type Timeout,
  type WorkflowClass,
} from '@heliograph/temporal-worker/policies';
import { Page } from './layout.ts';
import type { MeasuredClass, Measurement } from './measure-classes.ts';
import type { Terminal } from './terminal.ts';

/** Everything that `heliograph timeouts` prints. */
export interface TimeoutReport {
  /** Whether metrics were asked for. */
  readonly isMeasured: boolean;
  readonly sources: readonly { readonly name: string; readonly classes: readonly MeasuredClass[] }[];
  readonly workflowClasses: readonly WorkflowClass[];
  readonly errors: readonly ErrorKind[];
}

/** Lays the report out: a paragraph per class, with a line per value and its reason. */
export function renderTimeouts(
  report: TimeoutReport,
  terminal: Pick<Terminal, 'env' | 'isTty' | 'columns'>,
): string {
  const page = new Page(terminal);
  for (const { name, classes } of report.sources) {
    page.add(name, { style: 'strong' });
    for (const each of classes) addClass(page, each, report.isMeasured);
    page.gap();
  }
  page.add('Workflows', { style: 'strong' });
  for (const each of report.workflowClasses) {
    page.add(`${each.name}: ${each.use}`, { indent: 2 });
    addRows(page, workflowRows(each));
  }
  page.gap().add('Errors', { style: 'strong' });
  for (const { type, isRetryable, meaning, because } of report.errors)
    page.add(`${type}, ${isRetryable ? 'retried' : 'not retried'}: ${meaning}. Because: ${because}.`, {
      indent: 2,
      hanging: 2,
    });
  return page.toString();
}

function addClass(
  page: Page,
  { policy, activityTypes, measured, warnings }: MeasuredClass,
  isMeasured: boolean,
): void {
  page.add(`${policy.name}${policy.kind === 'local' ? ' (local)' : ''}: ${policy.use}`, { indent: 2 });
  addRows(page, activityRows(policy));
  if (!isMeasured) return;
  for (const activityType of activityTypes) {
    const found = measured.find((each) => each.activityType === activityType);
    page.add(found === undefined ? `${activityType}: no samples` : describe(found), {
      indent: 4,
      style: 'faint',
    });
  }
  for (const warning of warnings) page.add(`Warning: ${warning}.`, { indent: 4, hanging: 2, style: 'bad' });
}

type Row = readonly [name: string, value: string, because: string];

/** Every value of a class with its reason; the table of the documentation has the same. */
export function activityRows(policy: ActivityClass): readonly Row[] {
  return [
    timeoutRow('startToClose', policy.startToClose),
    timeoutRow('scheduleToClose', policy.scheduleToClose),
    timeoutRow('scheduleToStart', policy.scheduleToStart),
    timeoutRow('heartbeat', policy.heartbeat),
    ...retryRows(policy.retry),
  ];
}

/** The same for workflows. */
export function workflowRows({ execution, run, task, retry }: WorkflowClass): readonly Row[] {
  return [
    timeoutRow('execution', execution),
    timeoutRow('run', run),
    timeoutRow('task', task),
    timeoutRow('retry', retry),
  ];
}

function retryRows({
  initialInterval,
  coefficient,
  maximumInterval,
  attempts,
  nonRetryable,
}: RetryRules): readonly Row[] {
  return [
    timeoutRow('first retry after', initialInterval),
    ['coefficient', String(coefficient.value), coefficient.because],
    timeoutRow('longest wait', maximumInterval),
    ['attempts', attempts.value === null ? 'no limit' : String(attempts.value), attempts.because],
    ['never retried', nonRetryable.value.join(', ') || 'none', nonRetryable.because],
  ];
}

function timeoutRow(name: string, { ms, because }: Timeout): Row {
  return [name, ms === null ? 'none' : formatDuration(ms), because];
}

function addRows(page: Page, rows: readonly Row[]): void {
  for (const [name, value, because] of rows)
    page.add(`${name}: ${value}, because ${because}`, { indent: 4, hanging: 2 });
}

function describe({ activityType, samples, p50, p95, p99, isAboveBounds }: Measurement): string {
  const shown = [p50, p95, p99].map((ms) =>
    formatDuration(ms < 10_000 ? Math.round(ms) : Math.round(ms / 1000) * 1000),
  );
  return `${activityType}: p50 ${shown[0]}, p95 ${shown[1]}, p99 ${isAboveBounds ? 'over ' : ''}${shown[2]} (${samples} attempts)`;
}
