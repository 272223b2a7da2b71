import { CancellationScope, workflowInfo } from '@temporalio/workflow';
import { SagaError } from '../errors.ts';

/** What the sagas of each run are called; a run has one outermost scope. */
// oxlint-disable-next-line heliograph-workflows/no-module-state -- by the scope of a run, which no other run has
const identities = new WeakMap<CancellationScope, Set<string>>();

/**
 * Takes an identity for a saga of this run, so that no other has it: their keys would be the same.
 *
 * @throws {SagaError} SAGA_DEFINITION if another saga of this run has it.
 */
export function claimIdentity(saga: string, id: string): void {
  let run = CancellationScope.current();
  while (run.parent !== undefined) run = run.parent;
  const taken = identities.get(run) ?? new Set();
  if (taken.has(id))
    throw new SagaError(
      'SAGA_DEFINITION',
      `Saga ${saga} begins in a run of ${workflowInfo().workflowId} that has had a saga with the identity ${id}: give it an \`id\` of its own, since keys would repeat.`,
    );
  identities.set(run, taken.add(id));
}
