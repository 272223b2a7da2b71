export { createMaintenanceActivities } from './create-activities.ts';
export type { MaintenanceDependencies, StoredPayloads } from './create-activities.ts';
