import type { DoneRow, ExecutionRow } from './store/execution-store.ts';

/** What `once` does next, given what the log holds. */
export type Step =
  | { readonly kind: 'claim' }
  /** The claim was ours. */
  | { readonly kind: 'run'; readonly fence: bigint }
  | { readonly kind: 'return'; readonly row: DoneRow }
  /** Somebody runs it and is alive. */
  | { readonly kind: 'wait' }
  /** Started, and nobody is alive who would tell what became of it. */
  | { readonly kind: 'resolveDoubt'; readonly from: bigint }
  | { readonly kind: 'mismatch' };

/** Decides the next step of a caller that asks for `request`, and has claimed it with `fence`, if it has. */
export function decideStep(
  row: ExecutionRow | null,
  caller: { readonly fence: bigint | null; readonly request: string | null },
): Step {
  if (row === null) return { kind: 'claim' };
  // Who says nothing about the request is asked nothing about it.
  if (row.request !== null && caller.request !== null && row.request !== caller.request)
    return { kind: 'mismatch' };
  if (row.state === 'done') return { kind: 'return', row };
  if (row.fence === caller.fence) return { kind: 'run', fence: row.fence };
  return row.isLeased ? { kind: 'wait' } : { kind: 'resolveDoubt', from: row.fence };
}
