import { sleep } from '@temporalio/workflow';
import type { RotationInput } from '../contract/maintenance-activities.ts';
import type { CollectionResult, RotationResult } from '../contract/results.ts';
import * as workflows from '../workflows/index.ts';

/** The workflows with one command more: what a careless change is like. Replays must refuse it. */
export async function collectStoredPayloads(): Promise<CollectionResult> {
  await sleep(1);
  return workflows.collectStoredPayloads();
}

/** See `collectStoredPayloads`. */
export async function rotateKeys(input?: RotationInput): Promise<RotationResult> {
  await sleep(1);
  return workflows.rotateKeys(input);
}
