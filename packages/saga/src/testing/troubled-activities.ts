import { eventually } from '@heliograph/testkit';
import { cancellationSignal, Context, heartbeat } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { cancelSaga } from '../index.ts';
import type { Ledger } from './saga-model.ts';
import type { ScriptedActivities } from './script.ts';

/** What goes wrong in one execution. */
export interface Trouble {
  /** `resultLost` and `tooLate`: it happens all the same. */
  readonly fails?: { readonly id: string; readonly how: 'refused' | 'resultLost' | 'tooLate' } | undefined;
  /** Failures of the compensation of a step before it succeeds; `forGood`: it never does. */
  readonly undoFails?: { readonly id: string; readonly times: number | 'forGood' } | undefined;
  readonly cancels?:
    | {
        readonly at: string;
        readonly when: 'begins' | 'ends' | 'undo';
        readonly by: 'client' | 'signal';
        readonly isTwice?: boolean;
        /** Whether the cancellation reaches the step while it runs. */
        readonly isHeard?: boolean;
      }
    | undefined;
}

/** One execution: what goes wrong in it, and what its activities have done. */
export interface TroubledCase {
  readonly trouble: Trouble;
  readonly ledger: Ledger;
  readonly alerts: unknown[];
  readonly undos: Map<string, number>;
  readonly handle: WorkflowHandle;
}

/** Activities that do to each execution what its case says. */
export function createTroubledActivities(cases: ReadonlyMap<string, TroubledCase>): ScriptedActivities {
  const caseOf = (): TroubledCase => {
    const run = cases.get(Context.current().info.workflowExecution?.workflowId ?? '');
    if (run === undefined) throw new Error('no such case');
    return run;
  };
  return {
    async doStep(id, key) {
      const run = caseOf();
      const { ledger, trouble } = run;
      const isCancelled = await cancelIf(run, id, 'begins');
      const fault = trouble.fails?.id === id ? trouble.fails.how : null;
      if (fault === 'refused') throw ApplicationFailure.nonRetryable('refused', 'REFUSED');
      if (isCancelled && trouble.cancels?.isHeard === true) await untilAborted();
      if (ledger.undone.has(key)) throw ApplicationFailure.nonRetryable('undone already', 'UNDONE');
      ledger.log.push(`did ${id}`);
      ledger.present.add(key);
      await cancelIf(run, id, 'ends');
      if (fault === 'resultLost') throw ApplicationFailure.nonRetryable('lost', 'LOST');
      if (fault === 'tooLate') await untilAborted();
      cancellationSignal().throwIfAborted();
      return `${id}!`;
    },
    async undoStep(id, key, result) {
      const run = caseOf();
      const { ledger, trouble, undos } = run;
      await cancelIf(run, id, 'undo');
      const time = (undos.get(id) ?? 0) + 1;
      undos.set(id, time);
      const { undoFails } = trouble;
      if (undoFails?.id === id && (undoFails.times === 'forGood' || time <= undoFails.times)) {
        ledger.log.push(`undo ${id} failed`);
        throw undoFails.times === 'forGood'
          ? ApplicationFailure.nonRetryable('gone', 'GONE')
          : ApplicationFailure.retryable('away', 'AWAY');
      }
      if (result !== null && result !== `${id}!`) throw new Error(`not the result of ${id}: ${result}`);
      ledger.undone.add(key);
      ledger.present.delete(key);
      ledger.log.push(`undid ${id}`);
    },
    async tell(progress) {
      caseOf().alerts.push(progress);
    },
  };
}

async function cancelIf(
  { trouble: { cancels }, handle }: TroubledCase,
  at: string,
  when: 'begins' | 'ends' | 'undo',
): Promise<boolean> {
  if (cancels?.at !== at || cancels.when !== when) return false;
  for (let time = 0; time < (cancels.isTwice === true ? 2 : 1); time++)
    await (cancels.by === 'client' ? handle.cancel() : handle.signal(cancelSaga, 'the test'));
  return true;
}

/** Until the attempt is cancelled, or has timed out. */
async function untilAborted(): Promise<void> {
  await eventually('the attempt is given up', () => {
    heartbeat();
    return cancellationSignal().aborted;
  });
}
