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
