import { describe, expect, test } from '@jest/globals';
import type { Outcome } from '@heliograph/notifier';
import fc from 'fast-check';
import { UNCERTAIN_POLICIES, type UncertainPolicy } from '../apps/uncertain-policy.ts';
import type { AttemptMade, DeliveryOrder } from '../contract/delivery-order.ts';
import { DROP_CODES } from '../contract/reasons.ts';
import {
  accepted,
  limited,
  lost,
  rejected,
  testInputs,
  testIntent,
  testOrder,
} from '../testing/delivery-world.ts';
import { isKnown, tokenAfter } from './attempt-token.ts';
import type { Claim } from './claim-intents.ts';
import { INTENT_STATUSES, isUnderWay } from './intent-status.ts';
import {
  type AttemptCase,
  type AttemptPlan,
  planAfterClaim,
  planAfterLookUp,
  planAfterOutcome,
  planDrop,
} from './plan-attempt.ts';

const AT = 20_000;
const caseOf = (
  claim: Partial<Claim> = {},
  order: Partial<DeliveryOrder> = {},
  app: Partial<AttemptCase['app']> = {},
): AttemptCase => ({
  order: testOrder(order),
  app: {
    provider: 'webhook',
    uncertainPolicy: 'resend-pages',
    health: { throttledForMs: 0, failure: null },
    ...app,
  },
  claim: {
    before: null,
    claims: 1,
    token: 'a1',
    externalId: 'known',
    code: 'EXPIRED',
    wasUncertain: false,
    provider: 'webhook',
    inputs: testInputs,
    ...claim,
  },
});
const made = (outcome: Outcome, claims = 1): AttemptMade => ({
  at: AT - 50,
  claims,
  token: 'a1',
  provider: 'webhook',
  outcome,
  durationMs: 50,
});
const renotify: Partial<DeliveryOrder> = { kind: 'update', reason: 'renotify' };
const owed: Partial<DeliveryOrder> = { kind: 'resolve', reason: 'resolve_owed' };
/** What a plan writes: statuses of intents, ledger entries, and whether the state changes. */
const writes = ({ rows }: AttemptPlan) => ({
  intents: (rows?.intents ?? []).map(({ status }) => status),
  entries: (rows?.ledger?.entries ?? []).map(({ stage, outcome }) => outcome ?? stage),
  hasState: rows?.state !== undefined,
});
const NOTHING = { intents: [], entries: [], hasState: false };

describe('after the claim', () => {
  const plan = (about: AttemptCase, isCancelled = false) => planAfterClaim(about, { at: AT, isCancelled });

  test.each([null, 'refused'] as const)(
    'of what was %s, nothing is sent if its stream has decided something newer',
    (before) => {
      const { position } = testOrder().issue;
      const newer = `${BigInt(position) + 1n}`;
      const passed = plan(caseOf({ before, passedTo: newer }));
      expect(passed.next).toEqual({ kind: 'end', result: { kind: 'dropped', code: 'SUPERSEDED' } });
      expect(writes(passed)).toMatchObject({ intents: ['dropped'], entries: ['decided', 'dropped'] });
      expect(plan(caseOf({ before, passedTo: position })).next).toEqual({ kind: 'send' });
    },
  );

  test.each<[string, AttemptCase]>([
    ['a first claim', caseOf()],
    ['a refused notification', caseOf({ before: 'refused' })],
    ['a dropped one whose resolve is owed', caseOf({ before: 'dropped' }, owed)],
  ])('%s is sent, and nothing is written', (_, about) => {
    expect(plan(about)).toEqual({ next: { kind: 'send' } });
  });

  test.each(['intended', 'uncertain'] as const)(
    'one found %s is recorded as interrupted before the provider is asked',
    (before) => {
      const interrupted = plan(caseOf({ before, claims: 3 }));
      expect(interrupted).toMatchObject({ next: { kind: 'look-up' }, mustPersist: true });
      expect(writes(interrupted)).toEqual({ ...NOTHING, entries: ['uncertain'] });
      // It is the attempt before this claim that was interrupted.
      expect(interrupted.rows?.ledger?.entries[0]).toMatchObject({ attempt: 2, code: 'CUT_OFF' });
    },
  );

  test('a delivered one ends, and only the state is written again', () => {
    const ended = plan(caseOf({ before: 'delivered' }));
    expect(ended.next).toEqual({
      kind: 'end',
      result: { kind: 'delivered', provider: 'webhook', externalId: 'known' },
    });
    expect(writes(ended)).toEqual({ ...NOTHING, hasState: true });
  });

  test('one that is only assumed to be delivered stays so, for a later attempt and for a drop', () => {
    const found = { status: 'delivered', code: 'UNCERTAIN_NOT_RESENT' } as const;
    const claimed = plan(caseOf({ before: 'delivered', code: found.code }));
    const dropped = planDrop(testOrder(), 'EXPIRED', {
      intent: { ...testIntent, provider: 'webhook', ...found },
      at: AT,
    });
    for (const { next } of [claimed, dropped])
      expect(next).toMatchObject({ kind: 'end', result: { kind: 'delivered', assumed: true } });
  });

  test.each<[Partial<Claim>, Partial<DeliveryOrder>, object]>([
    [{ code: 'EXPIRED' }, {}, { code: 'EXPIRED' }],
    [{ code: 'FROM_ANOTHER_RELEASE' }, {}, { code: 'REJECTED' }],
    [{ wasUncertain: true }, {}, { code: 'EXPIRED', mayBeOpen: true }],
    [{ wasUncertain: true }, renotify, { code: 'EXPIRED' }],
  ])('a dropped one stays so: %j %j', (claim, order, result) => {
    expect(plan(caseOf({ before: 'dropped', ...claim }, order))).toEqual({
      next: { kind: 'end', result: { kind: 'dropped', ...result } },
    });
  });

  test.each([null, ...INTENT_STATUSES])('a cancelled attempt of one found %j sends nothing', (before) => {
    const stopped = plan(caseOf({ before, claims: 3 }), true);
    expect(stopped.next).toEqual({ kind: 'stop' });
    // What may have been sent before stays in doubt; of what was not, this attempt is the one that sent nothing.
    const isUnsent = before === null || before === 'refused';
    const unsent = { notificationId: 'alert-f1-r1-app1-5', status: 'refused', claims: 3, token: 'a1' };
    expect(stopped.rows).toEqual(
      isUnsent ? { stream: testOrder().stream, intents: [{ ...unsent, code: 'NOT_SENT' }] } : undefined,
    );
  });
});

describe('after a look-up', () => {
  test.each<['delivered' | 'not-delivered' | 'unknown', UncertainPolicy, Partial<DeliveryOrder>, string]>([
    ['not-delivered', 'resend-none', renotify, 'send'],
    ['delivered', 'resend-all', {}, 'delivered'],
    ['unknown', 'resend-pages', {}, 'send'],
    ['unknown', 'resend-pages', owed, 'send'],
    ['unknown', 'resend-pages', renotify, 'assumed_delivered'],
    ['unknown', 'resend-all', renotify, 'send'],
    ['unknown', 'resend-none', {}, 'assumed_delivered'],
  ])('that says %s, by the policy %s, for %j: %s', (answer, uncertainPolicy, order, expected) => {
    const plan = planAfterLookUp(caseOf({ before: 'uncertain', claims: 3 }, order, { uncertainPolicy }), {
      at: AT,
      answer,
    });
    if (expected === 'send') expect(plan).toEqual({ next: { kind: 'send' } });
    else {
      expect(writes(plan)).toEqual({
        intents: ['delivered'],
        entries: ['decided', expected],
        hasState: true,
      });
      // Which claim it ends, at which provider: a later claim is not settled by it.
      expect(plan.rows?.intents).toMatchObject([{ claims: 3 }]);
      expect(plan.rows?.ledger?.entries[1]).toMatchObject({ at: AT, provider: 'webhook' });
      expect(plan.next).toEqual({
        kind: 'end',
        result: {
          kind: 'delivered',
          provider: 'webhook',
          externalId: null,
          ...(expected === 'delivered' ? {} : { assumed: true }),
        },
      });
    }
  });
});

describe('after the outcome', () => {
  const gone = rejected(false, { code: 'GONE', status: 410 });
  test.each<[string, Outcome, AttemptCase, object, readonly string[], readonly string[]]>([
    ['delivered', accepted, caseOf(), { kind: 'end' }, ['delivered'], []],
    [
      'delivered by an app that failed',
      accepted,
      caseOf({}, {}, { health: { throttledForMs: 0, failure: { code: 'GONE', status: 410, since: 1 } } }),
      { kind: 'end' },
      ['delivered'],
      ['working'],
    ],
    [
      'refused for now',
      rejected(true),
      caseOf(),
      { kind: 'retry', code: 'HTTP_STATUS', throttledMs: null },
      ['refused'],
      [],
    ],
    ['refused permanently', rejected(false), caseOf(), { kind: 'drop', code: 'REJECTED' }, [], ['failing']],
    ['gone', gone, caseOf(), { kind: 'drop' }, [], ['failing', 'disabled']],
    [
      'gone, as Slack says',
      gone,
      caseOf({}, {}, { provider: 'slack-webhook' }),
      { kind: 'drop' },
      [],
      ['failing'],
    ],
    [
      'throttled',
      limited(4000),
      caseOf(),
      { kind: 'retry', code: 'RATE_LIMITED', throttledMs: 4000 },
      ['refused'],
      ['throttled'],
    ],
    [
      'throttled for no time',
      limited(0),
      caseOf(),
      { kind: 'retry', throttledMs: 1000 },
      ['refused'],
      ['throttled'],
    ],
    [
      'throttled for a day',
      limited(86_400_000),
      caseOf(),
      { kind: 'retry', throttledMs: 300_000 },
      ['refused'],
      ['throttled'],
    ],
    [
      'throttled for longer than is configured',
      limited(86_400_000),
      { ...caseOf(), maxThrottleMs: 20_000 },
      { kind: 'retry', throttledMs: 20_000 },
      ['refused'],
      ['throttled'],
    ],
    [
      'delivered although the app was throttled',
      accepted,
      caseOf({}, {}, { health: { throttledForMs: 9000, throttledUntil: AT + 9000, failure: null } }),
      { kind: 'end' },
      ['delivered'],
      ['unthrottled'],
    ],
    ['in doubt', lost, caseOf(), { kind: 'retry', code: 'CONNECTION_LOST' }, ['uncertain'], []],
    [
      'in doubt, a renotification',
      lost,
      caseOf({}, renotify),
      { kind: 'end', result: { assumed: true } },
      ['delivered'],
      [],
    ],
  ])('%s', (_, outcome, about, next, intents, health) => {
    const provider = about.app.provider;
    const plan = planAfterOutcome(about, { ...made(outcome), provider }, AT);
    expect(plan.next).toMatchObject(next);
    expect(writes(plan).intents).toEqual(intents);
    expect((plan.health ?? []).map(({ kind }) => kind)).toStrictEqual(health);
  });

  test.each<[string, Outcome, Partial<DeliveryOrder>, object, string]>([
    ['known to be', accepted, {}, { externalId: 'ext' }, 'delivered'],
    ['assumed to be', lost, renotify, { externalId: null, assumed: true }, 'assumed_delivered'],
  ])('one that is %s delivered settles the claim of its attempt', (_, outcome, order, result, settled) => {
    const plan = planAfterOutcome(caseOf({}, order), made(outcome, 4), AT);
    expect(plan.next).toEqual({ kind: 'end', result: { kind: 'delivered', provider: 'webhook', ...result } });
    expect(plan.rows?.intents).toMatchObject([{ status: 'delivered', claims: 4, token: 'a1' }]);
    expect(plan.rows?.ledger?.entries).toMatchObject([
      { stage: 'decided' },
      { stage: 'attempted', attempt: 4, outcome: outcome.kind },
      { stage: 'settled', at: AT, outcome: settled },
    ]);
  });
});

describe('a drop', () => {
  test.each<[string, Partial<typeof testIntent> | null, Outcome | null, Partial<DeliveryOrder>, object]>([
    ['of what was never claimed', null, null, {}, { kind: 'dropped', code: 'EXPIRED' }],
    [
      'of a trigger that was only refused',
      { status: 'refused' },
      null,
      {},
      { kind: 'dropped', code: 'EXPIRED' },
    ],
    ['of a trigger in doubt', { status: 'intended' }, null, {}, { kind: 'dropped', mayBeOpen: true }],
    [
      'of a trigger that was in doubt before',
      { status: 'refused', wasUncertain: true },
      rejected(false),
      {},
      { mayBeOpen: true },
    ],
    [
      'of a trigger that is refused now',
      { status: 'intended' },
      rejected(false),
      {},
      { kind: 'dropped', code: 'EXPIRED' },
    ],
    [
      'of a resolve in doubt',
      { status: 'uncertain', wasUncertain: true },
      null,
      owed,
      { kind: 'dropped', code: 'EXPIRED', mayBeOpen: true },
    ],
    [
      'of an update in doubt',
      { status: 'uncertain', wasUncertain: true },
      null,
      renotify,
      { kind: 'dropped', code: 'EXPIRED' },
    ],
    ['of what was delivered', { status: 'delivered' }, null, {}, { kind: 'delivered', externalId: 'known' }],
    [
      'of what a release without providers delivered',
      { status: 'delivered', provider: null },
      null,
      {},
      { kind: 'dropped' },
    ],
  ])('%s', (_, intent, outcome, order, result) => {
    const plan = planDrop(testOrder(order), 'EXPIRED', {
      intent: intent === null ? null : { ...testIntent, ...intent },
      attempt: outcome === null ? undefined : made(outcome),
      at: AT,
    });
    expect(plan.next.result).toMatchObject(result);
    expect('mayBeOpen' in plan.next.result).toBe('mayBeOpen' in result);
    expect(writes(plan).hasState).toBe(true);
  });
});

describe('a drop of a trigger', () => {
  const dropOf = (parts: Partial<Parameters<typeof planDrop>[2]>, order: Partial<DeliveryOrder> = {}) =>
    planDrop(testOrder(order), 'EXPIRED', { intent: null, at: AT, ...parts }).next.result;
  const { claim } = caseOf();

  test.each<[string, object, boolean]>([
    ['whose intent cannot be read is in doubt', dropOf({ intent: 'unknown' }), true],
    ['of which there is no intent is not', dropOf({ intent: null }), false],
    [
      'that is refused now is not, by its claim, whatever can be read',
      dropOf({ intent: 'unknown', attempt: made(rejected(false)), claim }),
      false,
    ],
    [
      'that is refused now, and whose claim found it in doubt, is',
      dropOf({ intent: 'unknown', attempt: made(rejected(false)), claim: { ...claim, wasUncertain: true } }),
      true,
    ],
    [
      'whose latest attempt is known is not, although its row could not be written',
      dropOf(
        { intent: { ...testIntent, attemptToken: 'a7.a6' } },
        { lastAttempt: { token: 'a7.a6', outcome: 'refused' } },
      ),
      false,
    ],
    [
      'whose latest attempt was another one is',
      dropOf(
        { intent: { ...testIntent, attemptToken: 'b1' } },
        { lastAttempt: { token: 'a7.a6', outcome: 'refused' } },
      ),
      true,
    ],
  ])('%s', (_, result, mayBeOpen) => {
    expect(result).toEqual({ kind: 'dropped', code: 'EXPIRED', ...(mayBeOpen ? { mayBeOpen } : {}) });
  });

  test.each<[string, AttemptMade | undefined, number | null]>([
    ['that is refused now ends the claim of its attempt', made(rejected(false), 4), 4],
    ['without an attempt ends whatever claim there is', undefined, null],
  ])('%s', (_, attempt, claims) => {
    const { rows } = planDrop(testOrder(), 'REJECTED', { intent: testIntent, attempt, at: AT });
    expect(rows?.intents).toMatchObject([{ status: 'dropped', claims }]);
    expect(rows?.ledger?.entries.at(-1)).toMatchObject({ stage: 'settled', at: AT });
  });

  test('that was delivered by another provider keeps what that called it', () => {
    const about = caseOf({ before: 'delivered', provider: 'slack-webhook' });
    expect(planAfterClaim(about, { at: AT, isCancelled: false }).next).toMatchObject({
      result: { kind: 'delivered', provider: 'slack-webhook' },
    });
  });
});

test.each<[string | null, string | null, boolean]>([
  ['a', 'a', true],
  ['a', 'b.a', true],
  ['a', 'b.a+.c', true],
  ['b.a', 'a', false],
  ['a', 'ab', false],
  [null, 'a', false],
  ['a', null, false],
])('the attempt %s is known by %s: %j', (token, last, isOver) => {
  expect(isKnown(token, last === null ? null : { token: last })).toBe(isOver);
});

test('a token names what it follows, newest first, and forgets what is long ago', () => {
  let token = tokenAfter(null, 'n0');
  for (let n = 1; n < 80; n++)
    token = tokenAfter({ token, outcome: n % 2 === 0 ? 'refused' : 'not-sent' }, `n${n}`);
  const names = token.split('.');
  expect(names.slice(0, 4)).toEqual(['n79', 'n78', 'n77+', 'n76']);
  expect(names).toHaveLength(64);
});

/** One attempt as a provider and a process live through it. */
const attempts = fc.array(
  fc.record({
    outcome: fc.constantFrom<Outcome>(accepted, rejected(true), rejected(false), limited(1000), lost),
    /** Of one that is in doubt: whether it arrived all the same. */
    arrives: fc.boolean(),
    /** The process dies after it has sent. */
    dies: fc.boolean(),
    /** What the provider says of one in doubt. */
    canLookUp: fc.boolean(),
  }),
  { minLength: 1, maxLength: 8 },
);
const orders = fc.constantFrom<Partial<DeliveryOrder>>({}, renotify, { kind: 'resolve', reason: 'resolved' });

/** Carries plans out on an intent in memory, as the store does, until the notification ends or attempts run out. */
function play(
  given: Partial<DeliveryOrder>,
  uncertainPolicy: UncertainPolicy,
  list: readonly { outcome: Outcome; arrives: boolean; dies: boolean; canLookUp: boolean }[],
) {
  const world = {
    received: 0,
    status: null as Claim['before'],
    claims: 0,
    wasUncertain: false,
    doubts: 0,
    end: '',
  };
  const write = (plan: AttemptPlan): void => {
    for (const { status } of plan.rows?.intents ?? []) {
      world.status = status;
      if (status === 'uncertain') world.wasUncertain = true;
    }
    world.doubts += (plan.rows?.ledger?.entries ?? []).filter(
      ({ outcome }) => outcome === 'uncertain',
    ).length;
  };
  for (const { outcome, arrives, dies, canLookUp } of list) {
    const before = world.status;
    world.claims++;
    if (before === null || before === 'refused') world.status = 'intended';
    if (before === 'intended') [world.status, world.wasUncertain] = ['uncertain', true];
    const about = caseOf({ before, claims: world.claims, wasUncertain: world.wasUncertain }, given, {
      uncertainPolicy,
    });
    let plan = planAfterClaim(about, { at: AT, isCancelled: false });
    for (let isOver = false; !isOver;) {
      write(plan);
      const { next } = plan;
      isOver = true;
      if (next.kind === 'look-up') {
        const answer = canLookUp ? (world.received > 0 ? 'delivered' : 'not-delivered') : 'unknown';
        plan = planAfterLookUp(about, { at: AT, answer });
        isOver = false;
      } else if (next.kind === 'send') {
        if (outcome.kind === 'delivered' || (outcome.kind === 'uncertain' && arrives)) world.received++;
        if (!dies) {
          plan = planAfterOutcome(about, made(outcome, world.claims), AT);
          isOver = false;
        }
      } else if (next.kind === 'drop') {
        const intent = {
          ...testIntent,
          status: world.status ?? 'intended',
          wasUncertain: world.wasUncertain,
        };
        plan = planDrop(about.order, next.code, { intent, attempt: next.attempt, at: AT });
        isOver = false;
      } else if (next.kind === 'end') world.end = next.result.kind;
    }
    if (world.end !== '') break;
  }
  return world;
}

describe('whatever happens between attempts', () => {
  test('nothing arrives twice unless the ledger says uncertain, and never where nothing in doubt is resent', () => {
    fc.assert(
      fc.property(orders, fc.constantFrom(...UNCERTAIN_POLICIES), attempts, (given, policy, list) => {
        const { received, doubts } = play(given, policy, list);
        expect(received > 1 && doubts === 0).toBe(false);
        const isNeverResent = policy === 'resend-none' && list.every(({ canLookUp }) => !canLookUp);
        expect(received > 1 && isNeverResent).toBe(false);
      }),
    );
  });

  test('what ends is settled as it ended, and what has not ended is under way', () => {
    fc.assert(
      fc.property(orders, fc.constantFrom(...UNCERTAIN_POLICIES), attempts, (given, policy, list) => {
        const { end, status } = play(given, policy, list);
        expect(end === '' ? status !== null && isUnderWay(status) : status === end).toBe(true);
      }),
    );
  });

  test('every plan that ends writes one settled entry at most, with the drop code or the provider', () => {
    fc.assert(
      fc.property(orders, fc.constantFrom(...DROP_CODES), (given, code) => {
        const { rows } = planDrop(testOrder(given), code, { intent: null, at: AT });
        const settled = (rows?.ledger?.entries ?? []).filter(({ stage }) => stage === 'settled');
        expect(settled).toMatchObject([{ outcome: 'dropped', code }]);
        expect(rows?.intents).toMatchObject([{ status: 'dropped', code }]);
      }),
    );
  });
});
