import { sleep } from '@temporalio/workflow';

/** An order that waits without charging first. */
export async function order(): Promise<void> {
  await sleep('1 day');
}
