export { ensureMaintenanceSchedules } from './ensure-schedules.ts';
export type { MaintenanceSchedulesOptions } from './ensure-schedules.ts';
