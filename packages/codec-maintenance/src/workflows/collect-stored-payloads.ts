import { proxyActivities, setWorkflowOptions } from '@temporalio/workflow';
import type { MaintenanceActivities } from '../contract/maintenance-activities.ts';
import type { CollectionResult } from '../contract/results.ts';

const { collectStored } = proxyActivities<Pick<MaintenanceActivities, 'collectStored'>>({
  startToCloseTimeout: '6 hours',
  heartbeatTimeout: '20 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
});

// A collection takes hours, for which no old build should have to stay. Its code changes behind `patched`.
setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, collectStoredPayloads);

/** Deletes stored payloads that no history names any more. A schedule starts it, one at a time. */
export async function collectStoredPayloads(): Promise<CollectionResult> {
  return collectStored();
}
