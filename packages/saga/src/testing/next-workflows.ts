import { sleep } from '@temporalio/workflow';
import * as workflows from './saga-workflows.ts';
import type { ScriptedInput } from './script.ts';

/** The workflow of a later build, which does something else first: histories of the earlier one do not replay with it. */
export async function scriptedSaga(input: ScriptedInput): Promise<string> {
  await sleep(1);
  return workflows.scriptedSaga(input);
}
