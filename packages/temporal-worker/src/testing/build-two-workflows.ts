import { setWorkflowOptions } from '@temporalio/workflow';
import * as one from './build-one-workflows.ts';

/** Begins with a timer, so a history of the first build does not replay here. */
export async function pinned(): Promise<string> {
  await one.pause();
  await one.pinned();
  return 'two';
}
setWorkflowOptions({ versioningBehavior: 'PINNED' }, pinned);

/** As in the first build. */
export const { upgrading } = one;

/** As in the first build, but for its end. */
export async function handingOver(isNext = false): Promise<string> {
  return isNext ? 'two' : one.handingOver(isNext);
}
setWorkflowOptions({ versioningBehavior: 'PINNED' }, handingOver);

/** As in the first build, but for its end. */
export async function staying(isNext = false): Promise<string> {
  await one.staying(isNext);
  return 'two';
}
setWorkflowOptions({ versioningBehavior: 'PINNED' }, staying);
