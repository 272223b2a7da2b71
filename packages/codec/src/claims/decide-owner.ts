import type { Observation, OwnerRecord } from './claim-registry.ts';

/** What to do with an owner. */
export type OwnerDecision =
  { readonly kind: 'keep'; readonly observation: Observation } | { readonly kind: 'disown' };

/**
 * Decides about an owner after a look at its executions.
 *
 * An owner is forgotten after `graceMs` without executions, and never while a relative exists: what a child returns is in the
 * history of its parent too. Relatives are known from looks at executions that exist. Between two looks that are further
 * apart than the retention, executions may have come and gone unseen, and with them relatives; such an owner is uncertain,
 * and kept from then on.
 */
export function decideOwner(
  { observedAt, claimedAt, missingSince, isUncertain }: OwnerRecord,
  found: {
    /** Families of the owner's executions; null if it has none. */
    readonly families: readonly string[] | null;
    /** Whether there are executions in a family that it was seen in before. */
    readonly hasRelatives: boolean;
  },
  {
    now,
    graceMs,
    retentionMs,
    releaseUncertain,
  }: {
    readonly now: number;
    readonly graceMs: number;
    readonly retentionMs: number;
    readonly releaseUncertain: boolean;
  },
): OwnerDecision {
  const lookedAt = Math.max(observedAt ?? claimedAt, claimedAt);
  const wasUnseen = !releaseUncertain && (isUncertain || now - lookedAt >= retentionMs);
  const keep = (since: number | null): OwnerDecision => ({
    kind: 'keep',
    observation: { families: found.families ?? [], missingSince: since, isUncertain: wasUnseen },
  });
  if (found.families !== null || found.hasRelatives) return keep(null);
  if (missingSince === null || wasUnseen || now - missingSince < graceMs) return keep(missingSince ?? now);
  return { kind: 'disown' };
}
