import { sleep } from '@temporalio/workflow';
import type { AlertInput, OrchestratorInput } from '../contract/workflow-inputs.ts';
import * as workflows from '../workflows/index.ts';

/** The workflows with one command more: what a careless change is like. Replays must refuse it. */
export async function monitorInstanceAlert(input: AlertInput): Promise<void> {
  await sleep(1);
  await workflows.monitorInstanceAlert(input);
}

/** See `monitorInstanceAlert`. */
export async function monitorInstances(input?: OrchestratorInput): Promise<void> {
  await sleep(1);
  await workflows.monitorInstances(input);
}
