import { sleep } from '@temporalio/workflow';
import type { SagaState } from '../index.ts';
import * as workflows from './trip-workflows.ts';

/** The workflow with one command more: what a careless change is like. Replays must refuse it. */
export async function trip(input: workflows.TripInput, state?: SagaState): Promise<string> {
  await sleep(1);
  return workflows.trip(input, state);
}
