import { manualClock, type JwtIdentity } from '@heliograph/service';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { createMemberIdentifier, type MemberIdentifierOptions } from './identify-member.ts';
import type { Rights, Subject } from './member-store.ts';

const clock = manualClock();
let rights: Rights;
let asked: (Subject & { readonly claimed: readonly string[] })[];
let failure: Error | undefined;

beforeEach(() => {
  rights = { isMember: true, roles: [{ name: 'on-call', scopes: ['explain:read', 'routes:read'] }] };
  asked = [];
  failure = undefined;
});

const identity = (more: Partial<JwtIdentity> = {}): JwtIdentity => ({
  issuer: 'https://id.example.com',
  subject: 'ada',
  scopes: new Set(['issues:write']),
  roles: new Set(),
  expiresAt: 0,
  ...more,
});
const makeIdentify = (options: Partial<MemberIdentifierOptions> = {}) =>
  createMemberIdentifier({
    members: {
      rightsOf: (subject, claimed) => {
        asked.push({ ...subject, claimed });
        return failure === undefined ? Promise.resolve(rights) : Promise.reject(failure);
      },
    },
    clock,
    ...options,
  });

test('a member has what its token and its roles give it, in the default tenant', async () => {
  await expect(makeIdentify()(identity({ roles: new Set(['night']) }))).resolves.toEqual({
    kind: 'authenticated',
    principal: {
      id: 'ada@https://id.example.com',
      scopes: new Set(['issues:write', 'explain:read', 'routes:read']),
      roles: new Set(['night', 'on-call']),
      tenant: 'default',
    },
  });
  expect(asked).toEqual([
    { tenant: 'default', issuer: 'https://id.example.com', subject: 'ada', claimed: ['night'] },
  ]);
});

test('who is no member has what the token gives, unless members only are let in', async () => {
  rights = { isMember: false, roles: [] };
  await expect(makeIdentify()(identity())).resolves.toMatchObject({
    principal: { scopes: new Set(['issues:write']), roles: new Set() },
  });
  await expect(makeIdentify({ requireMember: true })(identity())).resolves.toEqual({ kind: 'refused' });
});

test('a tenant that cannot be one of ours is refused, and odd names of roles are not looked up', async () => {
  const identify = makeIdentify();
  await expect(identify(identity({ tenant: 'Acme Inc.' }))).resolves.toEqual({ kind: 'refused' });
  expect(asked).toEqual([]);
  await identify(identity({ tenant: 'acme', roles: new Set(['bad\0name', 'b', 'a']) }));
  expect(asked).toMatchObject([{ tenant: 'acme', claimed: ['a', 'b'] }]);
});

describe('rights', () => {
  test('are remembered for 5 s, for each tenant, subject and set of roles', async () => {
    const identify = makeIdentify();
    for (let n = 0; n < 10; n++) await identify(identity());
    await identify(identity({ tenant: 'acme' }));
    await identify(identity({ subject: 'eve' }));
    await identify(identity({ roles: new Set(['night']) }));
    expect(asked).toHaveLength(4);
    clock.advance(5000);
    rights = { isMember: true, roles: [] };
    await expect(identify(identity())).resolves.toMatchObject({ principal: { roles: new Set() } });
  });

  test('that cannot be read make nobody somebody else: the outcome is unavailable', async () => {
    failure = new Error('away');
    const identify = makeIdentify();
    await expect(identify(identity())).resolves.toEqual({ kind: 'unavailable', cause: failure });
    failure = undefined;
    await expect(identify(identity())).resolves.toMatchObject({ kind: 'authenticated' });
  });

  test('without an answer are given up', async () => {
    const members = { rightsOf: () => new Promise<Rights>(() => undefined) };
    await expect(makeIdentify({ members, timeoutMs: 20 })(identity())).resolves.toMatchObject({
      kind: 'unavailable',
    });
  });
});
