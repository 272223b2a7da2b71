import {
  condition,
  continueAsNew,
  defineSignal,
  makeContinueAsNewFunc,
  proxyActivities,
  setHandler,
  setWorkflowOptions,
  sleep,
  workflowInfo,
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

/** Waits, and says which build it ended on. The next build does it in other steps, which do not fit this one's histories. */
export async function pinned(): Promise<string> {
  await untilTold();
  return 'one';
}
setWorkflowOptions({ versioningBehavior: 'PINNED' }, pinned);

/** Moves to whatever build is current. */
export async function upgrading(): Promise<string> {
  await untilTold();
  const { deploymentName, buildId } = workflowInfo().currentDeploymentVersion ?? {};
  // An unversioned worker has a build id too, of its bundle.
  return deploymentName ? (buildId ?? 'none') : 'none';
}
setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, upgrading);

/** Pinned, and says in the run that it continues as which build that is on. */
export async function handingOver(isNext = false): Promise<string> {
  if (isNext) return 'one';
  await untilTold();
  return makeContinueAsNewFunc<typeof handingOver>({ initialVersioningBehavior: 'AUTO_UPGRADE' })(true);
}
setWorkflowOptions({ versioningBehavior: 'PINNED' }, handingOver);

/** Pinned, and stays on its build also in the run that it continues as. */
export async function staying(isNext = false): Promise<string> {
  if (isNext) {
    await untilTold();
    return 'one';
  }
  await untilTold();
  return continueAsNew<typeof staying>(true);
}
setWorkflowOptions({ versioningBehavior: 'PINNED' }, staying);

/** Waits a moment, so that the two builds differ in their first command as well. */
export const pause = (): Promise<void> => sleep(1);

const { idle } = proxyActivities<{ idle(): Promise<void> }>({ startToCloseTimeout: '1 minute' });

/** Runs one activity on its own task queue. */
export async function working(): Promise<void> {
  await idle();
}
setWorkflowOptions({ versioningBehavior: 'PINNED' }, working);
