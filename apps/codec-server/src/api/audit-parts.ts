import { FOLDED_REASON } from '@heliograph/codec-audit';
import type { AuditPart } from '../audit-trail.ts';
import type { OpenedPayload } from '../payloads/open-payloads.ts';

/**
 * What an audit says about the payloads of a request: those of one namespace, domain, key and outcome together. Where the
 * request is refused as a whole, those that could have been opened were not given out, and say why.
 */
export function auditParts(
  results: readonly OpenedPayload[],
  refusedBecause: string | null = null,
): readonly AuditPart[] {
  const groups = new Map<string, { part: AuditPart; count: number }>();
  for (const result of results) {
    const part = { ...sealOf(result), ...outcomeOf(result, refusedBecause) };
    const name = JSON.stringify(Object.values(part));
    const group = groups.get(name) ?? { part: { ...part, count: 0 }, count: 0 };
    group.count++;
    groups.set(name, group);
  }
  // What was given out comes first: the audit log folds what is beyond its limit.
  return [...groups.values()]
    .map(({ part, count }) => ({ ...part, count }))
    .toSorted((one, other) => Number(other.outcome === 'allowed') - Number(one.outcome === 'allowed'));
}

/** Namespaces, domains and keys of payloads that were not given out that an audit names, for each outcome. */
const MAX_WITHHELD_PARTS = 4;

/**
 * Bounds what an audit says about payloads that were not given out: whoever sends them makes up their namespaces, and could fill
 * the log with them. Beyond four, those of one outcome become one with their sum. What was given out stays as it is.
 */
export function foldWithheld(parts: readonly AuditPart[]): readonly AuditPart[] {
  const kept = parts.filter(({ outcome }) => outcome === 'allowed');
  const withheld = parts.filter(({ outcome }) => outcome !== 'allowed');
  for (const [outcome, those] of Map.groupBy(withheld, (part) => part.outcome)) {
    kept.push(...those.slice(0, MAX_WITHHELD_PARTS));
    const count = those.slice(MAX_WITHHELD_PARTS).reduce((sum, part) => sum + part.count, 0);
    if (count > 0)
      kept.push({ namespace: null, domain: null, keyId: null, count, outcome, reason: FOLDED_REASON });
  }
  return kept;
}

function sealOf(result: OpenedPayload): Pick<AuditPart, 'namespace' | 'domain' | 'keyId'> {
  const seal = result.kind === 'passed' ? null : result.seal;
  return {
    namespace: seal?.namespace ?? null,
    domain: seal?.domain ?? null,
    keyId: seal?.keyId ?? null,
  };
}

function outcomeOf(
  result: OpenedPayload,
  refusedBecause: string | null,
): Pick<AuditPart, 'outcome' | 'reason'> {
  if (result.kind === 'failed') return { outcome: result.failure.outcome, reason: result.failure.code };
  return refusedBecause === null
    ? { outcome: 'allowed', reason: null }
    : { outcome: 'refused', reason: refusedBecause };
}
