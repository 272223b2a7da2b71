import {
  type Client,
  ScheduleAlreadyRunning,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
} from '@temporalio/client';
import {
  COLLECT_STORED_PAYLOADS,
  COLLECTION_SCHEDULE_ID,
  MAINTENANCE_TASK_QUEUE,
  ROTATE_KEYS,
  ROTATION_SCHEDULE_ID,
} from '../contract/names.ts';

/** Options of {@link ensureMaintenanceSchedules}. */
export interface MaintenanceSchedulesOptions {
  /** Every so often stored payloads are collected, in milliseconds; default an hour. Several times within the retention. */
  readonly collectEveryMs?: number;
  /** Every so often keys are rotated and counted, in milliseconds; default a day. */
  readonly rotateEveryMs?: number;
  readonly taskQueue?: string;
}

/**
 * Creates the two schedules of a namespace, or brings them up to date: any number of processes may do so at once. One that
 * somebody paused stays paused. Never two of a kind run at once; what is due meanwhile is left out.
 */
export async function ensureMaintenanceSchedules(
  client: Pick<Client, 'schedule'>,
  options: MaintenanceSchedulesOptions = {},
): Promise<void> {
  const {
    collectEveryMs = 3_600_000,
    rotateEveryMs = 86_400_000,
    taskQueue = MAINTENANCE_TASK_QUEUE,
  } = options;
  await ensure(
    client,
    scheduleOf(COLLECTION_SCHEDULE_ID, COLLECT_STORED_PAYLOADS, collectEveryMs, taskQueue),
  );
  await ensure(client, scheduleOf(ROTATION_SCHEDULE_ID, ROTATE_KEYS, rotateEveryMs, taskQueue));
}

function scheduleOf(
  scheduleId: string,
  workflowType: string,
  everyMs: number,
  taskQueue: string,
): ScheduleOptions & { readonly policies: object } {
  return {
    scheduleId,
    spec: { intervals: [{ every: everyMs }] },
    action: { type: 'startWorkflow', workflowType, workflowId: scheduleId, taskQueue, args: [] },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
  };
}

async function ensure(client: Pick<Client, 'schedule'>, schedule: ScheduleOptions): Promise<void> {
  try {
    await client.schedule.create(schedule);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const { spec, action, policies = {} } = schedule;
    await client.schedule
      .getHandle(schedule.scheduleId)
      .update(({ state }) => ({ spec, action, policies, state }));
  }
}
