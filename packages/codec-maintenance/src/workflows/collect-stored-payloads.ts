import { proxyActivities, setWorkflowOptions } from '@temporalio/workflow';
import { activityOptions } from '@heliograph/temporal-worker/policies';
import { MAINTENANCE_CLASSES } from '../contract/activity-classes.ts';
import type { MaintenanceActivities } from '../contract/maintenance-activities.ts';
import type { CollectionResult } from '../contract/results.ts';

const { collectStored } = proxyActivities<Pick<MaintenanceActivities, 'collectStored'>>(
  activityOptions(MAINTENANCE_CLASSES.collection),
);

// A collection takes hours, for which no old build should have to stay. Its code changes behind `patched`.
setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, collectStoredPayloads);

/** Deletes stored payloads that no history names any more. A schedule starts it, one at a time. */
export async function collectStoredPayloads(): Promise<CollectionResult> {
  return collectStored();
}
