import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { requireGrantable, tenantFor, type Caller } from './grants.ts';

const caller = (scopes: string[], roles: string[] = [], tenant?: string): Caller => ({
  scopes: new Set(scopes),
  roles: new Set(roles),
  ...(tenant === undefined ? {} : { tenant }),
});

describe('what a caller may give out', () => {
  test.each<[string, Caller, string[], string[], RegExp | null]>([
    ['what it has', caller(['a', 'b'], ['r']), ['a'], ['r'], null],
    ['nothing', caller([]), [], [], null],
    ['another scope', caller(['a']), ['a', 'b'], [], /lacks the scopes b$/],
    ['everything, without having it', caller(['a']), ['*'], [], /lacks the scopes \*$/],
    ['anything, having everything', caller(['*']), ['*', 'a'], ['r'], null],
    ['a role that it has not', caller(['a'], ['r']), [], ['s'], /lacks the roles s$/],
    ['both', caller([]), ['a'], ['r'], /lacks the scopes a and the roles r$/],
    ['a scope that looks like a prefix', caller(['routes']), ['routes:read'], [], /routes:read/],
  ])('%s', (_, who, scopes, roles, refusal) => {
    const grant = () => requireGrantable(who, { scopes, roles });
    if (refusal === null) expect(grant).not.toThrow();
    else expect(grant).toThrow(refusal);
  });

  test('is never more than it has, whatever it asks for', () => {
    const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', '*'));
    fc.assert(
      fc.property(names, names, names, names, (scopes, roles, givenScopes, givenRoles) => {
        const who = caller(scopes, roles);
        let isAllowed = true;
        try {
          requireGrantable(who, { scopes: givenScopes, roles: givenRoles });
        } catch {
          isAllowed = false;
        }
        const holdsAll = scopes.includes('*');
        const isWithin =
          holdsAll ||
          (givenScopes.every((scope) => scopes.includes(scope)) &&
            givenRoles.every((role) => roles.includes(role)));
        expect(isAllowed).toBe(isWithin);
      }),
    );
  });
});

describe('the tenant of a request', () => {
  test.each<[string | undefined, string | null | undefined, string | null]>([
    [undefined, undefined, null],
    [undefined, null, null],
    [undefined, 'acme', 'acme'],
    ['acme', undefined, 'acme'],
    ['acme', 'acme', 'acme'],
    ['acme', 'other', 'refused'],
    ['acme', null, 'refused'],
  ])('of a caller of %s that names %s is %s', (own, asked, expected) => {
    const decide = () => tenantFor(caller(['*'], [], own), asked);
    if (expected === 'refused') expect(decide).toThrow(/belongs to the tenant acme only/);
    else expect(decide()).toBe(expected);
  });
});
