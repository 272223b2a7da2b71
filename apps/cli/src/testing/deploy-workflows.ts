import {
  condition,
  defineSignal,
  deprecatePatch,
  patched,
  setHandler,
  setWorkflowOptions,
} from '@temporalio/workflow';

/** Lets a workflow of these go on. */
export const goOn = defineSignal('goOn');

async function untilTold(): Promise<void> {
  let isTold = false;
  setHandler(goOn, () => {
    isTold = true;
  });
  await condition(() => isTold);
}

/** Stays on the build that it began on. */
export async function pinned(): Promise<void> {
  await untilTold();
}
setWorkflowOptions({ versioningBehavior: 'PINNED' }, pinned);

/** Records a patch at once. */
export async function patching(): Promise<void> {
  patched('one');
  deprecatePatch('gone');
  await untilTold();
}
setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, patching);
