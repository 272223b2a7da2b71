import { manualClock, type JwtIdentity } from '@heliograph/service';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { createMemberIdentifier, type MemberIdentifierOptions } from './identify-member.ts';
import type { MemberStore, Rights, RightsQuery } from './member-store.ts';

type FoundRights = Awaited<ReturnType<MemberStore['findRights']>>;

const clock = manualClock();
let rights: Rights;
let asked: RightsQuery[];
let failure: Error | undefined;

beforeEach(() => {
  rights = { isMember: true, roles: [{ name: 'on-call', scopes: ['explain:read', 'routes:read'] }] };
  asked = [];
  failure = undefined;
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
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
      findRights: (queries) => {
        asked.push(...queries);
        return failure === undefined
          ? Promise.resolve(queries.map((query) => ({ ...rights, query })))
          : Promise.reject(failure);
      },
    },
    clock,
    ...options,
  }).identify;

test('a member has what its token and its roles give it, in the default tenant', async () => {
  await expect(makeIdentify()(identity({ roles: new Set(['night']) }))).resolves.toEqual({
    kind: 'authenticated',
    principal: {
      id: 'ada@https://id.example.com#default',
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
  await expect(makeIdentify({ requireMember: true })(identity())).resolves.toEqual({
    kind: 'forbidden',
    reason: 'MEMBERSHIP_REQUIRED',
  });
});

test('a tenant that cannot be one of ours is let in nowhere, and odd names of roles are not looked up', async () => {
  const identify = makeIdentify();
  await expect(identify(identity({ tenant: 'Acme Inc.' }))).resolves.toEqual({
    kind: 'forbidden',
    reason: 'TENANT_INVALID',
  });
  expect(asked).toEqual([]);
  await identify(identity({ tenant: 'acme', roles: new Set(['bad\0name', 'b', 'a']) }));
  expect(asked).toMatchObject([{ tenant: 'acme', claimed: ['a', 'b'] }]);
});

describe('rights', () => {
  test('hold as of when their read began, however long it took', async () => {
    let answer = (): void => undefined;
    const members = {
      findRights: (queries: readonly RightsQuery[]) => {
        asked.push(...queries);
        return new Promise<FoundRights>(
          (resolve) => (answer = () => resolve(queries.map((query) => ({ ...rights, query })))),
        );
      },
    };
    const identify = makeIdentify({ members });
    const first = identify(identity());
    await turn();
    clock.advance(2000);
    answer();
    await first;
    clock.advance(2999);
    await identify(identity());
    expect(asked).toHaveLength(1);
    clock.advance(1);
    const second = identify(identity());
    await turn();
    answer();
    await second;
    expect(asked).toHaveLength(2);
  });

  test('of many requests of one subject at once are read once', async () => {
    const identify = makeIdentify();
    await Promise.all(Array.from({ length: 500 }, () => identify(identity())));
    expect(asked).toHaveLength(1);
  });

  test('of many subjects at once are read together', async () => {
    let statements = 0;
    const findRights: MemberStore['findRights'] = async (queries) => {
      statements++;
      await turn();
      return queries.map((query) => ({
        isMember: true,
        roles: [{ name: query.subject, scopes: [] }],
        query,
      }));
    };
    const identify = makeIdentify({ members: { findRights } });
    const subjects = Array.from({ length: 100 }, (_, n) => `s${n}`);
    const outcomes = await Promise.all(subjects.map((subject) => identify(identity({ subject }))));
    expect(statements).toBeLessThanOrEqual(4);
    expect(outcomes).toMatchObject(subjects.map((subject) => ({ principal: { roles: new Set([subject]) } })));
  });

  test('of a tenant that was changed here are read again at once, also where they are being read', async () => {
    const { identify, forget } = createMemberIdentifier({
      clock,
      members: {
        findRights: async (queries) => {
          asked.push(...queries);
          const found = rights;
          await turn();
          return queries.map((query) => ({ ...found, query }));
        },
      },
    });
    await Promise.all([identify(identity()), identify(identity({ tenant: 'acme' }))]);
    rights = { isMember: true, roles: [] };
    forget('default');
    const running = identify(identity());
    rights = { isMember: true, roles: [{ name: 'late', scopes: [] }] };
    forget('default');
    await running;
    await expect(identify(identity())).resolves.toMatchObject({ principal: { roles: new Set(['late']) } });
    await identify(identity({ tenant: 'acme' }));
    expect(asked.map(({ tenant }) => tenant)).toEqual(['default', 'acme', 'default', 'default']);
  });

  test('that are remembered are bounded in bytes', async () => {
    const identify = makeIdentify({ cacheBytes: 5000 });
    const subjects = Array.from({ length: 50 }, (_, n) => `subject ${n}`);
    for (const subject of subjects) await identify(identity({ subject }));
    asked = [];
    for (const subject of subjects.toReversed()) await identify(identity({ subject }));
    expect(asked.length).toBeGreaterThan(35);
  });

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
    const members = { findRights: () => new Promise<FoundRights>(() => undefined) };
    await expect(makeIdentify({ members, timeoutMs: 20 })(identity())).resolves.toMatchObject({
      kind: 'unavailable',
    });
  });
});
