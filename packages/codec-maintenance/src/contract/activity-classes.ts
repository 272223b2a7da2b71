import {
  ACTIVITY_CLASSES,
  type ActivityClass,
  type ClassUse,
  defineActivityClass,
  type DurationText,
  limit,
  none,
} from '@heliograph/temporal-worker/policies';
import type { MaintenanceActivities } from './maintenance-activities.ts';

const { longJob } = ACTIVITY_CLASSES;

const job = (name: string, use: string, startToClose: DurationText, because: string): ActivityClass =>
  defineActivityClass({
    ...longJob,
    name,
    use,
    startToClose: limit(startToClose, because),
    scheduleToClose: none('a schedule starts one at a time, and the next one waits for its end'),
    heartbeat: limit('20 s', 'a worker that dies costs 20 s; an attempt sends one every 5 s'),
    retry: {
      ...longJob.retry,
      attempts: { value: null, because: 'it goes on where it was, until it is done' },
    },
  });

/** Timeouts and retries of the activities of maintenance. */
export const MAINTENANCE_CLASSES = {
  collection: job(
    'collection',
    'delete stored payloads that no history names',
    '6 h',
    'it walks through the whole store',
  ),
  rotation: job('rotation', 'encrypt a batch of stored payloads anew', '30 min', 'a batch is 1,000 objects'),
  survey: job('survey', 'count what names which key', '12 h', 'it reads every retained history'),
} as const;

const use = (policy: ActivityClass, activityType: keyof MaintenanceActivities): ClassUse => ({
  policy,
  activityTypes: [activityType],
});

/** Which activity is called by which class. */
export const MAINTENANCE_CLASS_USES: readonly ClassUse[] = [
  use(MAINTENANCE_CLASSES.collection, 'collectStored'),
  use(MAINTENANCE_CLASSES.rotation, 'reencryptStored'),
  use(MAINTENANCE_CLASSES.survey, 'countKeyUse'),
];
