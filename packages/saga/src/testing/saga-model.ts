import type { SagaFailureDetails } from '../saga-failure.ts';
import type { SagaProgress } from '../progress.ts';

/** What the other side of a step did, and in which order; a provider that remembers keys. */
export interface Ledger {
  /** `did a`, `undid a`, `undo a failed`, in the order in which they happened. */
  readonly log: string[];
  /** Keys of what exists now. */
  readonly present: Set<string>;
  /** Keys that were undone: a step that comes late is refused. */
  readonly undone: Set<string>;
}

/** What should hold at the end of every saga, whatever happened to it. */
export interface Ending {
  readonly steps: readonly {
    readonly id: string;
    readonly isCompensable: boolean;
    readonly group: string | null;
  }[];
  readonly order: 'reverse' | 'parallel';
  readonly hasCompleted: boolean;
  readonly details: SagaFailureDetails | null;
  readonly progress: SagaProgress;
  readonly ledger: Ledger;
  readonly keyOf: (id: string) => string;
}

export function createLedger(): Ledger {
  return { log: [], present: new Set(), undone: new Set() };
}

/** Says everything that is wrong with the end of a saga; empty if it ended right. */
export function faultsOf({
  steps,
  order,
  hasCompleted,
  details,
  progress,
  ledger,
  keyOf,
}: Ending): readonly string[] {
  const faults: string[] = [];
  const expectThat = (isRight: boolean, fault: string): void => void (isRight || faults.push(fault));
  const begun = new Map(progress.steps.map((step) => [step.id, step]));
  const isLost = new Set(details?.uncompensated.map(({ id }) => id));
  const isStuck = progress.outcome === 'stuck';
  // The body ended well: only what failed on the way is undone.
  const standsByItself = hasCompleted || details?.cause.kind === 'leftover';
  expectThat(progress.phase === 'ended', `it is ${progress.phase}`);
  expectThat(progress.pending.length === 0, 'compensations are pending');
  for (const { id, isCompensable } of steps) {
    const record = begun.get(id);
    const isPresent = ledger.present.has(keyOf(id));
    const undos = ledger.log.filter((line) => line === `undid ${id}` || line === `undo ${id} failed`).length;
    if (record === undefined) {
      expectThat(!isPresent && undos === 0, `${id} never began`);
      continue;
    }
    if (isStuck) expectThat(undos === 0, `${id} was undone past the pivot`);
    else if (standsByItself && record.status === 'done') expectThat(isPresent, `${id} is done and absent`);
    else if (isCompensable && !isLost.has(id)) {
      expectThat(!isPresent, `${id} is left`);
      expectThat(
        record.status === 'compensated' && undos > 0,
        `${id} is ${record.status} after ${undos} undos`,
      );
    } else if (isCompensable)
      expectThat(undos > 0 && record.status === 'uncompensated', `${id} is lost after ${undos} undos`);
    else expectThat(undos === 0, `${id} has no compensation`);
    const first = ledger.log.findIndex((line) => line === `undid ${id}` || line === `undo ${id} failed`);
    // An attempt that timed out may come late; that it is gone in the end is checked above.
    if (first >= 0 && record.failure?.code.startsWith('TIMEOUT_') !== true)
      expectThat(ledger.log.lastIndexOf(`did ${id}`) < first, `${id} happened after its compensation`);
  }
  if (order === 'reverse') {
    const undone = ledger.log.flatMap((line) => (line.startsWith('undid ') ? [line.slice(6)] : []));
    const positions = [...new Set(undone)].map((id) => steps.findIndex((step) => step.id === id));
    for (const [at, position] of positions.entries()) {
      const before = positions[at - 1];
      const isSameGroup = before !== undefined && sameGroup(steps, before, position);
      expectThat(
        before === undefined || before > position || isSameGroup,
        `undone in the order ${undone.join()}`,
      );
    }
  }
  expectThat(hasCompleted === (details === null), 'result and failure do not agree');
  return faults;
}

function sameGroup(steps: Ending['steps'], one: number, other: number): boolean {
  const between = steps
    .slice(Math.min(one, other), Math.max(one, other) + 1)
    .filter((step) => step.isCompensable);
  const [first] = between;
  return first?.group != null && between.every(({ group }) => group === first.group);
}
