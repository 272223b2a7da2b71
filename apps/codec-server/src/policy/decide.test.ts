import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decide } from './decide.ts';
import { parsePolicy } from './parse-policy.ts';
import { ACTIONS, type Action } from './policy.ts';

const policy = parsePolicy(
  `
version: 1
elevated:
  - { namespaces: ['production', 'prod-*'], roles: [production-access] }
rules:
  - { roles: [developer], namespaces: ['test', 'test-*'], domains: ['*'], actions: [decode, download, encode] }
  - { roles: [finance], namespaces: ['*'], domains: [fill], actions: [decode, download] }
  - { roles: [support], namespaces: ['*'], domains: [dispatch], actions: [decode] }
  - { roles: [on-call], namespaces: ['*'], domains: ['*'], actions: [decode] }
  - { roles: [starter], namespaces: ['staging'], domains: [dispatch], actions: [encode] }
...
`,
  'policy.yaml',
);
const roles = (...names: string[]) => ({ roles: new Set(names) });

describe('a policy', () => {
  test.each<[string[], string | null, string, Action, string]>([
    [['finance'], 'staging', 'fill', 'decode', 'allowed'],
    [['finance'], 'staging', 'health', 'decode', 'ACCESS_DENIED'],
    [['support'], 'staging', 'dispatch', 'decode', 'allowed'],
    [['support'], 'staging', 'fill', 'decode', 'ACCESS_DENIED'],
    [['developer'], 'test', 'health', 'decode', 'allowed'],
    [['developer'], 'test-7', 'fill', 'decode', 'allowed'],
    [['developer'], 'testing', 'fill', 'decode', 'ACCESS_DENIED'],
    [['developer'], 'production', 'dispatch', 'decode', 'ACCESS_DENIED'],
    // production needs another role as well, whatever a rule allows
    [['on-call'], 'staging', 'health', 'decode', 'allowed'],
    [['on-call'], 'production', 'health', 'decode', 'ELEVATION_REQUIRED'],
    [['on-call'], 'prod-eu', 'health', 'decode', 'ELEVATION_REQUIRED'],
    [['on-call', 'production-access'], 'production', 'health', 'decode', 'allowed'],
    // and that role alone allows nothing
    [['production-access'], 'production', 'health', 'decode', 'ROLE_UNKNOWN'],
    [['finance', 'production-access'], 'production', 'health', 'decode', 'ACCESS_DENIED'],
    // each action is a permission of its own
    [['on-call'], 'staging', 'health', 'encode', 'ACCESS_DENIED'],
    [['on-call'], 'staging', 'health', 'download', 'ACCESS_DENIED'],
    [['starter'], 'staging', 'dispatch', 'encode', 'allowed'],
    [['starter'], 'staging', 'dispatch', 'decode', 'ACCESS_DENIED'],
    // roles
    [[], 'test', 'dispatch', 'decode', 'ROLE_UNKNOWN'],
    [['astronaut'], 'test', 'dispatch', 'decode', 'ROLE_UNKNOWN'],
    [['*'], 'test', 'dispatch', 'decode', 'ROLE_UNKNOWN'],
    [['finance', 'support'], 'staging', 'dispatch', 'decode', 'allowed'],
    // a namespace that is not authenticated: only rules for all of them, and every elevation counts
    [['developer'], null, 'dispatch', 'decode', 'ACCESS_DENIED'],
    [['on-call'], null, 'dispatch', 'decode', 'ELEVATION_REQUIRED'],
    [['on-call', 'production-access'], null, 'dispatch', 'decode', 'allowed'],
    // names that are patterns, or objects' own, are names
    [['developer'], '*', 'dispatch', 'decode', 'ACCESS_DENIED'],
    [['constructor', '__proto__'], 'test', 'dispatch', 'decode', 'ROLE_UNKNOWN'],
  ])('%j in %j, domain %j: %s is %s', (names, namespace, domain, action, expected) => {
    const decision = decide(policy, roles(...names), { namespace, domain }, action);
    expect(decision.kind === 'allowed' ? 'allowed' : decision.reason).toBe(expected);
  });

  test('with no rules allows nothing', () => {
    const empty = parsePolicy('version: 1\nelevated: []\nrules: []\n...', 'p');
    for (const action of ACTIONS)
      expect(decide(empty, roles('admin'), { namespace: 'n', domain: 'd' }, action).kind).toBe('denied');
  });
});

test('a role more never takes a permission away, and allows only what some rule names', () => {
  expect.hasAssertions();
  const role = fc.constantFrom<string[]>(
    'developer',
    'finance',
    'support',
    'on-call',
    'production-access',
    'other',
  );
  const target = fc.record({
    namespace: fc.constantFrom('test', 'staging', 'production', 'prod-eu', null),
    domain: fc.constantFrom('dispatch', 'fill', 'health'),
  });
  fc.assert(
    fc.property(fc.array(role), role, target, fc.constantFrom(...ACTIONS), (names, more, where, action) => {
      const before = decide(policy, roles(...names), where, action).kind;
      const after = decide(policy, roles(...names, more), where, action).kind;
      if (before === 'allowed') expect(after).toBe('allowed');
      if (after === 'allowed')
        expect(policy.rules.some((rule) => rule.roles.some((name) => [...names, more].includes(name)))).toBe(
          true,
        );
    }),
  );
});
