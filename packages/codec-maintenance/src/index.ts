export { MAINTENANCE_CLASS_USES } from './contract/activity-classes.ts';
export {
  COLLECT_STORED_PAYLOADS,
  COLLECTION_SCHEDULE_ID,
  MAINTENANCE_DOMAIN,
  MAINTENANCE_TASK_QUEUE,
  ROTATE_KEYS,
  ROTATION_SCHEDULE_ID,
} from './contract/names.ts';
export type {
  CollectionResult,
  KeyUseCount,
  KeyUseReport,
  RotationCounts,
  RotationResult,
} from './contract/results.ts';
export type {
  MaintenanceActivities,
  RotationBatch,
  RotationInput,
} from './contract/maintenance-activities.ts';
