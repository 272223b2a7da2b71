/** The task queue of maintenance; its workers run nothing else. */
export const MAINTENANCE_TASK_QUEUE = 'codec-maintenance';

/** The domain whose keys encrypt the payloads of maintenance itself. */
export const MAINTENANCE_DOMAIN = 'maintenance';

/** Workflow types. */
export const COLLECT_STORED_PAYLOADS = 'collectStoredPayloads';
export const ROTATE_KEYS = 'rotateKeys';

/** Ids of the schedules, and with a time behind them of the workflows that they start. */
export const COLLECTION_SCHEDULE_ID = 'codec-maintenance-collection';
export const ROTATION_SCHEDULE_ID = 'codec-maintenance-rotation';
