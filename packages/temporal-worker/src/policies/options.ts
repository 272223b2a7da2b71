import type { ActivityOptions, LocalActivityOptions, RetryPolicy } from '@temporalio/common';
import type { ActivityClass, RetryRules } from './activity-class.ts';
import type { Timeout } from './limit.ts';
import type { WorkflowClass } from './workflow-class.ts';

/** What a class does not decide. */
export type CallOptions = Pick<ActivityOptions, 'taskQueue' | 'cancellationType' | 'summary' | 'priority'>;

/** What a class of local activities does not decide: they run in the workflow's own worker, in no queue. */
export type LocalCallOptions = Pick<LocalActivityOptions, 'cancellationType' | 'summary'>;

/**
 * The options of `proxyActivities` for a class: its timeouts and retries, and what a call adds.
 *
 * @throws {TypeError} for a class of local activities
 */
export function activityOptions(policy: ActivityClass, call: CallOptions = {}): ActivityOptions {
  if (policy.kind !== 'regular') throw new TypeError(`${policy.name} is a class of local activities`);
  return {
    ...call,
    startToCloseTimeout: policy.startToClose.ms,
    ...optional('scheduleToCloseTimeout', policy.scheduleToClose),
    ...optional('scheduleToStartTimeout', policy.scheduleToStart),
    ...optional('heartbeatTimeout', policy.heartbeat),
    retry: retryPolicy(policy.retry),
  };
}

/**
 * The options of `proxyLocalActivities` for a class: its timeouts and retries, and what a call adds.
 *
 * @throws {TypeError} for a class of regular activities, and for an option that local activities do not have
 */
export function localActivityOptions(
  policy: ActivityClass,
  call: LocalCallOptions = {},
): LocalActivityOptions {
  if (policy.kind !== 'local') throw new TypeError(`${policy.name} is a class of regular activities`);
  for (const option of Object.keys(call))
    if (!LOCAL_CALL_OPTIONS.has(option))
      throw new TypeError(`${policy.name} is a class of local activities, which have no ${option}`);
  return {
    ...call,
    startToCloseTimeout: policy.startToClose.ms,
    ...optional('scheduleToCloseTimeout', policy.scheduleToClose),
    ...optional('scheduleToStartTimeout', policy.scheduleToStart),
    retry: retryPolicy(policy.retry),
  };
}

const LOCAL_CALL_OPTIONS: ReadonlySet<string> = new Set<keyof LocalCallOptions>([
  'cancellationType',
  'summary',
]);

/** Timeouts as `WorkflowOptions` take them, for clients and schedules. */
export interface WorkflowTimeouts {
  readonly workflowExecutionTimeout?: number;
  readonly workflowRunTimeout?: number;
  readonly workflowTaskTimeout: number;
}

/** The timeouts of a class, to be spread into the options of a start or of a child. */
export function workflowTimeouts(policy: WorkflowClass): WorkflowTimeouts {
  return {
    ...optional('workflowExecutionTimeout', policy.execution),
    ...optional('workflowRunTimeout', policy.run),
    workflowTaskTimeout: policy.task.ms,
  };
}

function retryPolicy(retry: RetryRules): RetryPolicy {
  return {
    initialInterval: retry.initialInterval.ms,
    backoffCoefficient: retry.coefficient.value,
    maximumInterval: retry.maximumInterval.ms,
    ...(retry.attempts.value === null ? {} : { maximumAttempts: retry.attempts.value }),
    nonRetryableErrorTypes: [...retry.nonRetryable.value],
  };
}

function optional<K extends string>(name: K, { ms }: Timeout): Partial<Record<K, number>> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a computed key widens to string
  return ms === null ? {} : ({ [name]: ms } as Record<K, number>);
}
