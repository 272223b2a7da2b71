import type { Telemetry } from '@heliograph/service';
import type { AuditPart } from './audit-trail.ts';
import type { Action } from './policy/policy.ts';

/** What the codec server counts. */
export interface Metrics {
  payloads(action: Action, parts: readonly AuditPart[]): void;
  auditFailure(): void;
  /** The number of the newest entry that this process has appended. */
  auditHead(sequence: number): void;
  rateLimited(): void;
  policyReload(result: 'used' | 'refused'): void;
}

/** Creates the metrics; `domains` are those of the key ring: a domain that a payload makes up is no label. */
export function createMetrics(
  meter: Telemetry['meter'],
  domains: () => readonly string[],
  isPolicyRefused: () => boolean,
): Metrics {
  const payloads = meter.createCounter('heliograph_codec_server_payloads', {
    description: 'Payloads by action, domain, outcome and reason.',
  });
  const auditFailures = meter.createCounter('heliograph_codec_server_audit_failures', {
    description: 'Requests that were answered 503 because the audit log could not be written.',
  });
  const auditHead = meter.createGauge('heliograph_codec_server_audit_sequence', {
    description: 'Number of the newest entry of the audit log that this process has appended; it only grows.',
  });
  const rateLimited = meter.createCounter('heliograph_codec_server_rate_limited', {
    description: 'Requests that were refused because their subject asked too often.',
  });
  const reloads = meter.createCounter('heliograph_codec_server_policy_reloads', {
    description: 'Changed policy files by result: used, or refused while the policy of before stays in use.',
  });
  meter
    .createObservableGauge('heliograph_codec_server_policy_refused', {
      description: 'Whether the policy file as it is now cannot be used: 1 or 0.',
    })
    .addCallback((result) => result.observe(isPolicyRefused() ? 1 : 0));
  return {
    payloads(action, parts) {
      for (const { domain, outcome, reason, count } of parts) {
        const isKnown = domain !== null && domains().includes(domain);
        const labels = { action, outcome, reason: reason ?? 'none', domain: isKnown ? domain : 'none' };
        if (count > 0) payloads.add(count, labels);
      }
    },
    auditFailure: () => auditFailures.add(1),
    auditHead: (sequence) => auditHead.record(sequence),
    rateLimited: () => rateLimited.add(1),
    policyReload: (result) => reloads.add(1, { result }),
  };
}
