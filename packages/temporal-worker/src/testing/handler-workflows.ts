import {
  ApplicationFailure,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  log,
  setHandler,
} from '@temporalio/workflow';
import { handleUpdate } from '../workflows/handle-update.ts';

/** Approves something. */
export const approve = defineUpdate<string, [by: string]>('approve');
/** The same, with a validator that somebody made async. */
export const approveLater = defineUpdate<string, [by: string]>('approveLater');
/** Who approved so far. */
export const approvals = defineQuery<readonly string[]>('approvals');
/** Moves on by one step. */
export const stepSignal = defineSignal('step');
/** Ends the workflow. */
export const closeSignal = defineSignal('close');

/** Collects approvals until it is closed. */
export async function approval(): Promise<readonly string[]> {
  const by: string[] = [];
  let isClosed = false;
  const add = (name: string): string => {
    by.push(name);
    return `approved by ${name}`;
  };
  handleUpdate(approve, add, (name) => {
    if (name === '') throw ApplicationFailure.nonRetryable('a name is needed', 'NameMissing');
    if (by.includes(name)) throw ApplicationFailure.nonRetryable(`${name} has approved already`, 'Repeated');
  });
  // @ts-expect-error an async validator does not compile
  handleUpdate(approveLater, add, async (name: string) => {
    await Promise.reject(new Error(`no ${name}`));
  });
  setHandler(approvals, () => by);
  setHandler(closeSignal, () => {
    isClosed = true;
  });
  await condition(() => isClosed);
  return by;
}

/** Logs once, then takes so many workflow tasks. */
export async function steps(count: number): Promise<void> {
  let done = 0;
  setHandler(stepSignal, () => {
    done += 1;
  });
  log.info('begun');
  for (let next = 1; next <= count; next += 1) await condition(() => done >= next);
  log.info('ended');
}
