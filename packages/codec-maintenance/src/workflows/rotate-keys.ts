import { continueAsNew, proxyActivities, setWorkflowOptions, workflowInfo } from '@temporalio/workflow';
import { activityOptions } from '@heliograph/temporal-worker/policies';
import { MAINTENANCE_CLASSES } from '../contract/activity-classes.ts';
import type { MaintenanceActivities, RotationInput } from '../contract/maintenance-activities.ts';
import { addCounts, NOTHING_ROTATED, type RotationResult } from '../contract/results.ts';

const { reencryptStored } = proxyActivities<Pick<MaintenanceActivities, 'reencryptStored'>>(
  activityOptions(MAINTENANCE_CLASSES.rotation),
);

const { countKeyUse } = proxyActivities<Pick<MaintenanceActivities, 'countKeyUse'>>(
  activityOptions(MAINTENANCE_CLASSES.survey),
);

/** Batches after which a run hands over to the next, so that its history stays bounded. */
const MAX_BATCHES = 50;

// A rotation takes hours to days, for which no old build should have to stay. Its code changes behind `patched`.
setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, rotateKeys);

/**
 * Encrypts stored payloads with the active keys, batch by batch, and then counts what still names which key. A schedule
 * starts it, one at a time. Histories are immutable: what they hold inline keeps its key as long as they are retained.
 */
export async function rotateKeys(input: RotationInput = {}): Promise<RotationResult> {
  let { after = null, counts = NOTHING_ROTATED } = input;
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    const done = await reencryptStored(after);
    counts = addCounts(counts, done.counts);
    after = done.next;
    if (after === null) return { stored: counts, ...(await countKeyUse()) };
    if (workflowInfo().continueAsNewSuggested) break;
  }
  return continueAsNew<typeof rotateKeys>({ after, counts });
}
