import type { Principal } from '@heliograph/service';
import { matchesPattern } from './matches-pattern.ts';
import type { Action, Policy } from './policy.ts';

/** Where a payload belongs. */
export interface Target {
  /** Null where the envelope authenticates none: only a rule for `*` then fits, and every elevated namespace counts. */
  readonly namespace: string | null;
  readonly domain: string;
}

/** What a policy says. */
export type Decision =
  | { readonly kind: 'allowed' }
  | {
      readonly kind: 'denied';
      /** No rule names a role of the caller; no rule allows it; or the namespace needs another role as well. */
      readonly reason: 'ROLE_UNKNOWN' | 'ACCESS_DENIED' | 'ELEVATION_REQUIRED';
    };

const ALLOWED: Decision = { kind: 'allowed' };

/** Decides whether a caller may do something. What no rule allows is denied. */
export function decide(
  policy: Policy,
  principal: Pick<Principal, 'roles'>,
  { namespace, domain }: Target,
  action: Action,
): Decision {
  if (!isKnown(policy, principal)) return { kind: 'denied', reason: 'ROLE_UNKNOWN' };
  const isAllowed = policy.rules.some(
    (rule) =>
      rule.actions.includes(action) &&
      hasOne(principal, rule.roles) &&
      rule.domains.some((pattern) => matchesPattern(pattern, domain)) &&
      rule.namespaces.some((pattern) =>
        namespace === null ? pattern === '*' : matchesPattern(pattern, namespace),
      ),
  );
  if (!isAllowed) return { kind: 'denied', reason: 'ACCESS_DENIED' };
  const isMissing = policy.elevated.some(
    ({ namespaces, roles }) =>
      (namespace === null || namespaces.some((pattern) => matchesPattern(pattern, namespace))) &&
      !hasOne(principal, roles),
  );
  return isMissing ? { kind: 'denied', reason: 'ELEVATION_REQUIRED' } : ALLOWED;
}

/**
 * Decides whether a caller may do something with any payload of these domains, before it is known which one it is about. Where
 * it may, what the payload says decides.
 */
export function decideAnywhere(
  policy: Policy,
  principal: Pick<Principal, 'roles'>,
  { namespace, domains }: { readonly namespace?: string; readonly domains: readonly string[] },
  action: Action,
): Decision {
  if (!isKnown(policy, principal)) return { kind: 'denied', reason: 'ROLE_UNKNOWN' };
  if (namespace !== undefined) {
    const decisions = domains.map((domain) => decide(policy, principal, { namespace, domain }, action));
    return (
      decisions.find(({ kind }) => kind === 'allowed') ??
      decisions.find((one) => one.kind === 'denied' && one.reason === 'ELEVATION_REQUIRED') ?? {
        kind: 'denied',
        reason: 'ACCESS_DENIED',
      }
    );
  }
  const isAllowed = policy.rules.some(
    (rule) =>
      rule.actions.includes(action) &&
      hasOne(principal, rule.roles) &&
      rule.domains.some((pattern) => domains.some((domain) => matchesPattern(pattern, domain))),
  );
  return isAllowed ? ALLOWED : { kind: 'denied', reason: 'ACCESS_DENIED' };
}

/** Whether any rule names a role of the caller: without, the caller can never be allowed anything. */
export function isKnown(policy: Policy, principal: Pick<Principal, 'roles'>): boolean {
  return policy.rules.some(({ roles }) => hasOne(principal, roles));
}

function hasOne(principal: Pick<Principal, 'roles'>, roles: readonly string[]): boolean {
  return roles.some((role) => principal.roles.has(role));
}
