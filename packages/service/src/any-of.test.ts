import { describe, expect, test } from '@jest/globals';
import { anyOf } from './any-of.ts';
import type { Authentication, Authenticator } from './authenticator.ts';
import { createBearerAuth } from './bearer-auth.ts';

const principal = (id: string) => ({ id, scopes: new Set<string>(), roles: new Set<string>() });
const answering = (...outcomes: Authentication[]) =>
  outcomes.map((outcome): Authenticator => ({
    scheme: 'Bearer',
    authenticate: () => Promise.resolve(outcome),
  }));
const absent: Authentication = { kind: 'absent' };
const refused: Authentication = { kind: 'refused', reason: 'TOKEN_EXPIRED' };
const malformed: Authentication = { kind: 'refused', reason: 'CREDENTIALS_MALFORMED' };
const unknown: Authentication = { kind: 'refused', reason: 'CREDENTIALS_UNKNOWN' };
const forbidden: Authentication = { kind: 'forbidden', reason: 'MEMBERSHIP_REQUIRED' };
const unavailable: Authentication = { kind: 'unavailable', cause: new Error('away') };
const known: Authentication = { kind: 'authenticated', principal: principal('known') };

describe('the outcome of several authenticators', () => {
  test.each<[string, Authentication[], Authentication]>([
    ['nobody saw credentials', [absent, absent], absent],
    ['one saw wrong credentials', [absent, refused, absent], refused],
    ['several refuse, for the most telling reason', [unknown, malformed, refused, unknown], refused],
    ['one does not let the caller in', [refused, forbidden, unknown], forbidden],
    ['one could not tell, another does not let in', [forbidden, unavailable], unavailable],
    ['one could not tell: never "wrong"', [refused, unavailable, refused], unavailable],
    ['one knows the caller, although another refuses', [refused, known], known],
    ['one knows the caller, although another is unavailable', [unavailable, known], known],
    ['the first that knows the caller', [known, unavailable], known],
  ])('%s', async (_, outcomes, expected) => {
    await expect(anyOf(answering(...outcomes)).authenticate(new Headers())).resolves.toEqual(expected);
  });
});

test('later authenticators are not asked once the caller is known', async () => {
  const auth = anyOf([
    createBearerAuth([{ id: 'first', secret: 'a-key', scopes: [], roles: ['support'], tenant: 'acme' }]),
    { scheme: 'Bearer', authenticate: () => Promise.reject(new Error('asked')) },
  ]);
  await expect(auth.authenticate(new Headers({ authorization: 'Bearer a-key' }))).resolves.toEqual({
    kind: 'authenticated',
    principal: { id: 'first', scopes: new Set(), roles: new Set(['support']), tenant: 'acme' },
  });
});

test('an empty list and a mix of schemes are mistakes of the program', () => {
  expect(() => anyOf([])).toThrow(/at least one/);
  const basic = { ...createBearerAuth([]), scheme: 'Basic' };
  expect(() => anyOf([createBearerAuth([]), basic])).toThrow(/one scheme/);
});
