export { runSchedule } from './run-schedule.ts';
export type { ScheduleResult } from './run-schedule.ts';
