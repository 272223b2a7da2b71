import { alertWorkflowId, notificationIdOf } from '@heliograph/dispatch-workflows';
import { describe, expect, test } from '@jest/globals';
import { checkDispatch, type Evidence, type Received } from './check-dispatch.ts';
import type { ExplainedStream, Explanation } from './check-explanations.ts';
import type { AttemptRow, IntentRow, IssueRow, Kind, Status } from './evidence.ts';

const key = { fingerprint: 'f', routeId: 'r', connectedAppId: 'a' };
const stream = alertWorkflowId(key);
const id = (position: number) => notificationIdOf(key, String(position));
const TYPES = { trigger: 'alert.triggered', update: 'alert.updated', resolve: 'alert.resolved' };

const issue = (position: number, status: Status, parts: Partial<IssueRow> = {}): IssueRow => ({
  eventId: `e${position}`,
  fingerprint: 'f',
  status,
  position: String(position),
  severity: 'critical',
  labels: {},
  storedAt: position * 1000,
  ...parts,
});
const intent = (position: number, kind: Kind, parts: Partial<IntentRow> = {}): IntentRow => ({
  notificationId: id(position),
  workflowId: stream,
  position: String(position),
  kind,
  reason: kind,
  status: 'delivered',
  code: null,
  wasUncertain: false,
  claims: 1,
  decidedAt: position * 1000,
  updatedAt: position * 1000,
  ...parts,
});
let order = 0;
const receipt = (position: number, kind: Kind, answer = 'accepted'): Received => ({
  order: ++order,
  webhookId: id(position),
  streamId: stream,
  type: TYPES[kind],
  answer,
});
const attempt = (position: number, outcome: string, status = 0): AttemptRow => ({
  notificationId: id(position),
  outcome,
  code: '',
  status,
  attempt: 1,
  at: 0,
});
const explained = (reason: string, outcome: string): ExplainedStream => ({
  workflowId: stream,
  reason,
  notify: outcome !== 'none',
  outcome: { kind: outcome },
});
const answer = (position: number, ...streams: readonly ExplainedStream[]): [string, Explanation] => [
  `e${position}`,
  {
    eventId: `e${position}`,
    seenAt: 'then',
    routes: [{ id: 'r', matched: true, reason: 'matched', clause: '*', streams }],
  },
];
const state = {
  workflowId: stream,
  status: 'resolved' as const,
  lastPosition: '50',
  notificationCount: 4,
};

const issues = [
  issue(10, 'firing'),
  issue(20, 'firing'),
  issue(30, 'suppressed'),
  issue(40, 'firing'),
  issue(50, 'resolved'),
];
const intents = [
  intent(10, 'trigger'),
  intent(20, 'update', { reason: 'renotify' }),
  intent(40, 'update'),
  intent(50, 'resolve'),
];
const received = [
  receipt(10, 'trigger'),
  receipt(20, 'update'),
  receipt(40, 'update'),
  receipt(50, 'resolve'),
];
const explanations = new Map<string, Explanation | string>([
  answer(10, explained('new', 'delivered')),
  answer(20, explained('renotify', 'delivered')),
  answer(30, explained('suppressed', 'none')),
  answer(40, explained('suppression_bypass', 'delivered')),
  answer(50, explained('resolved', 'delivered')),
]);
const good: Evidence = {
  issues,
  acknowledged: issues.map(({ eventId, fingerprint }) => ({ eventId, fingerprint })),
  routes: [
    { id: 'r', connectedAppId: 'a', matches: () => true, renotifyIntervalMs: 5000, maxSignalAgeMs: 60_000 },
  ],
  received,
  states: [state],
  intents,
  attempts: [],
  drops: [],
  runs: [],
  outbox: 0,
  explanations,
  refusals: new Set([400]),
};

function found(change: Partial<Evidence>): Readonly<Record<string, readonly string[]>> {
  const { violations } = checkDispatch({ ...good, ...change });
  return Object.fromEntries(Object.entries(violations).filter(([, lines]) => lines.length > 0));
}

const changed = <T>(list: readonly T[], index: number, change: Partial<T>): T[] =>
  list.map((each, at) => (at === index ? { ...each, ...change } : each));
const without = <T>(list: readonly T[], index: number): T[] => list.filter((_, at) => at !== index);
const answering = (eventId: string, value: Explanation | string) =>
  new Map([...explanations, [eventId, value]]);
const explaining = (position: number, ...streams: readonly ExplainedStream[]) =>
  new Map([...explanations, answer(position, ...streams)]);

test('a run is clean in which everything arrived once, in order, and is explained', () => {
  const { counts, violations } = checkDispatch(good);
  expect(Object.values(violations).flat()).toEqual([]);
  expect(counts).toEqual({
    streams: 1,
    expected: 3,
    received: 4,
    duplicates: 0,
    renotified: 1,
    dropped: 0,
    assumed: 0,
    refusedAfterReceipt: 0,
  });
});

test('a receipt that came later than the others may keep it waiting is late', () => {
  const late = received.map((each) => ({ ...each, at: (issues[0]?.storedAt ?? 0) + 130_000 }));
  expect(found({ received: late })).toEqual({});
  expect(found({ received: late, maxLatencyMs: 120_000 })).toHaveProperty('late');
});

describe('what is allowed', () => {
  test('a renotification that nobody sent', () => {
    expect(
      found({
        received: without(received, 1),
        intents: without(intents, 1),
        states: [{ ...state, notificationCount: 3 }],
        explanations: explaining(20, explained('renotify_not_due', 'none')),
      }),
    ).toEqual({});
  });
  test('a receipt whose answer was lost, and the resend of a notification in doubt', () => {
    const twice = [receipt(10, 'trigger', 'hang'), receipt(10, 'trigger', 'close-after-body'), ...received];
    expect(found({ received: twice, attempts: [attempt(10, 'uncertain')] })).toEqual({});
    expect(found({ received: twice, intents: changed(intents, 0, { wasUncertain: true }) })).toEqual({});
    expect(checkDispatch({ ...good, received: twice }).counts.duplicates).toBe(2);
  });
  test('an answer of 429 or 503 before the receipt: that is no receipt', () => {
    expect(found({ received: [receipt(10, 'trigger', 'status'), ...received] })).toEqual({});
  });
  test('an update that may never have arrived and is not resent', () => {
    const assumed = changed(intents, 2, { code: 'UNCERTAIN_NOT_RESENT', wasUncertain: true });
    expect(found({ received: without(received, 2), intents: assumed })).toEqual({});
  });
  test('a trigger that was refused permanently, and the next one', () => {
    const evidence = {
      issues: [issue(10, 'firing'), issue(20, 'firing')],
      acknowledged: [],
      received: [receipt(10, 'trigger', 'status'), receipt(20, 'trigger')],
      intents: [intent(10, 'trigger', { status: 'dropped', code: 'REJECTED' }), intent(20, 'trigger')],
      attempts: [attempt(10, 'refused', 400)],
      states: [{ ...state, status: 'firing' as const, lastPosition: '20', notificationCount: 1 }],
    };
    expect(found(evidence)).toEqual({});
    expect(found({ ...evidence, attempts: [attempt(10, 'refused', 503)] })).toEqual({
      lost: [
        `${id(10)}: alert.triggered was dropped, REJECTED, and the ledger has no permanent refusal (503)`,
      ],
    });
  });
  test('a renotification that was dropped before its first attempt, so that only the ledger knows of it', () => {
    const { notificationId, workflowId, position, kind, reason } = intent(20, 'update', {
      reason: 'renotify',
    });
    const drop = { notificationId, workflowId, position, kind, reason, code: 'EXPIRED', at: 20_000 };
    const evidence = {
      received: without(received, 1),
      intents: without(intents, 1),
      states: [{ ...state, notificationCount: 3 }],
      explanations: explaining(20, explained('signal_expired', 'dropped')),
    };
    expect(found({ ...evidence, drops: [drop] })).toEqual({});
    expect(found(evidence)).toEqual({
      unexplained: ['f e20: route r: explains a notification (dropped) that has no intent'],
    });
  });
  test('an app that is dead: only its streams may be unfinished', () => {
    const dead = { ...good.routes[0], id: 'x', connectedAppId: 'dead', matches: () => true, isDead: true };
    const route = { ...dead, renotifyIntervalMs: null, maxSignalAgeMs: 60_000 };
    const unfinished = {
      ...intent(10, 'trigger'),
      workflowId: 'alert-f-x-dead',
      status: 'refused' as const,
    };
    const evidence = { routes: [...good.routes, route], intents: [...intents, unfinished] };
    expect(found(evidence)).toEqual({});
    expect(found({ ...evidence, routes: good.routes })).toHaveProperty('unsettled');
  });
  test('an issue that waited with a newer one of its stream: it was superseded', () => {
    const at = { firstAt: 1, lastAt: 1, count: 1, fingerprint: 'f', routeId: 'r', connectedAppId: 'a' };
    const run = { ...at, reason: 'superseded_by_newer', firstPosition: '10', lastPosition: '10' };
    const evidence = {
      issues: [issue(10, 'firing'), issue(20, 'firing')],
      acknowledged: [],
      received: [receipt(20, 'trigger')],
      intents: [intent(20, 'trigger')],
      states: [{ ...state, status: 'firing' as const, lastPosition: '20', notificationCount: 1 }],
    };
    expect(found({ ...evidence, runs: [run] })).toEqual({});
    expect(found(evidence)).toHaveProperty('lost');
  });
  test('a stream that ends suppressed: it stays as it was', () => {
    expect(
      found({
        issues: issues.slice(0, 3),
        acknowledged: [],
        received: received.slice(0, 2),
        intents: intents.slice(0, 2),
        states: [{ ...state, status: 'firing', lastPosition: '30', notificationCount: 2 }],
      }),
    ).toEqual({});
  });
});

describe('the checker finds', () => {
  test.each([
    [
      'an acknowledged issue that is gone',
      { acknowledged: [{ eventId: 'x', fingerprint: 'f' }] },
      { forgotten: ['x: acknowledged and not stored'] },
    ],
    [
      'an update that should have come after a suppression',
      { received: without(received, 2) },
      { lost: [`${id(40)}: alert.updated (suppression_bypass) never arrived and is delivered`] },
    ],
    [
      'a renotification that is recorded and never arrived',
      { received: without(received, 1) },
      { lost: [`${id(20)}: alert.updated is recorded as delivered and never arrived`] },
    ],
    [
      'one that arrived without an intent',
      { intents: without(intents, 2), states: [{ ...state, notificationCount: 3 }] },
      {
        lost: [`${id(40)}: alert.updated arrived and has no intent`],
        unexplained: ['f e40: route r: explains a notification (delivered) that has no intent'],
      },
    ],
    [
      'two in the wrong order',
      { received: [received[0], received[2], received[1], received[3]].flatMap((each) => each ?? []) },
      { reordered: [`${stream}: alert.updated of 20 arrived after 40`] },
    ],
    [
      'one received twice although no attempt was in doubt',
      { received: [...received, receipt(50, 'resolve')] },
      {
        duplicatesWithoutUncertain: [
          `${id(50)}: received 2 times (accepted, accepted), and no attempt was in doubt`,
        ],
      },
    ],
    [
      'one of another type',
      { received: changed(received, 2, { type: 'alert.triggered' }) },
      { unexpected: [`${id(40)}: alert.triggered, should be alert.updated (suppression_bypass)`] },
    ],
    [
      'one about no issue of the stream',
      { received: [received[0] ?? receipt(10, 'trigger'), receipt(15, 'update'), ...received.slice(1)] },
      { unexpected: [`${id(15)}: about no issue of this stream`] },
    ],
    [
      'a renotification that came too soon',
      { intents: changed(intents, 1, { decidedAt: 14_000 }) },
      { unexpected: [`${id(20)}: renotified after 4000 ms`] },
    ],
    [
      'an intent that is still under way',
      { intents: changed(intents, 2, { status: 'intended' }), states: [{ ...state, notificationCount: 3 }] },
      { unsettled: [`${id(40)}: still intended`] },
    ],
    ['ledger entries that wait', { outbox: 2 }, { unsettled: ['2 ledger entries still wait in PostgreSQL'] }],
    [
      'a state that stayed behind',
      { states: [{ ...state, lastPosition: '40' }] },
      { wrongStates: [`${stream}: decided up to 40, should be 50`] },
    ],
    [
      'a state that differs from the receiver',
      { states: [{ ...state, status: 'firing' as const }] },
      { wrongStates: [`${stream}: firing in its row, closed at the receiver`] },
    ],
    [
      'a count that is wrong',
      { states: [{ ...state, notificationCount: 3 }] },
      { wrongStates: [`${stream}: 3 notifications in its row, 4 intents delivered`] },
    ],
    ['a missing state', { states: [] }, { wrongStates: [`${stream}: no state row`] }],
  ])('%s', (_, change, expected) => {
    expect(found(change)).toEqual(expected);
  });

  test('a lost trigger and a lost resolve, and what is open at the receiver because of them', () => {
    expect(found({ received: received.slice(0, 3) })).toEqual({
      lost: [`${id(50)}: alert.resolved (resolved) never arrived and is delivered`],
      wrongStates: [
        `${stream}: open at the receiver, should be closed after resolved`,
        `${stream}: resolved in its row, open at the receiver`,
      ],
    });
    expect(found({ received: received.slice(1), intents: intents.slice(1) })).toMatchObject({
      lost: [`${id(10)}: alert.triggered (new) never arrived and has no intent`],
    });
  });
  test('one that was dropped for a reason that the receiver did not give', () => {
    const dropped = changed(intents, 3, { status: 'dropped', code: 'EXPIRED' });
    expect(found({ intents: dropped, received: received.slice(0, 3) })).toMatchObject({
      lost: [`${id(50)}: alert.resolved was dropped, EXPIRED, which nothing here can cause`],
      wrongStates: expect.arrayContaining([
        `${stream}: open at the receiver, should be closed after resolved`,
      ]),
    });
  });
  test('a stored issue of which there are two rows', () => {
    const twice = [...issues, issue(60, 'resolved', { eventId: 'e50' })];
    expect(found({ issues: twice, states: [{ ...state, lastPosition: '60' }] })).toMatchObject({
      storedTwice: ['e50: 2 rows'],
    });
  });
  test('a notification and an intent where silence was right', () => {
    const routes = good.routes.map((route) => ({ ...route, renotifyIntervalMs: null }));
    expect(found({ routes })).toEqual({
      unexpected: [`${id(20)}: alert.updated, should be silent (continuing)`],
    });
    expect(found({ routes, received: without(received, 1) })).toEqual({
      unexpected: [`${id(20)}: has an intent, should be silent (continuing)`],
    });
  });
  test('a stream to which no route leads', () => {
    expect(
      found({
        routes: good.routes.map((route) => ({ ...route, matches: () => false })),
        acknowledged: [],
        states: [],
      }),
    ).toEqual({ unexpected: [`${stream}: no route leads to this stream`] });
  });
});

describe('an explanation does not count that', () => {
  const unmatched = good.routes.map((route) => ({ ...route, matches: () => false }));
  const silent = { issues: [issue(10, 'firing')], acknowledged: [{ eventId: 'e10', fingerprint: 'f' }] };
  const nothing = { ...silent, routes: unmatched, received: [], intents: [], states: [] };
  test.each([
    ['is missing', { explanations: new Map([...explanations].slice(1)) }, 'no explanation (nothing)'],
    ['is an error', { explanations: answering('e10', 'status 404') }, 'no explanation (status 404)'],
    [
      'does not say when it was seen',
      { explanations: answering('e10', { eventId: 'e10', seenAt: null, routes: [] }) },
      'not seen',
    ],
    [
      'is about another event',
      { explanations: answering('e10', explanations.get('e20') ?? '') },
      'the answer is about e20',
    ],
    ['leaves the stream out', { explanations: explaining(10) }, 'route r: nothing about its stream'],
    [
      'does not know the decision yet',
      { explanations: explaining(10, explained('not_decided_yet', 'none')) },
      'route r: the reason is not_decided_yet',
    ],
    [
      'was not scanned yet',
      { explanations: explaining(10, explained('not_scanned_yet', 'none')) },
      'route r: the reason is not_scanned_yet',
    ],
    [
      'has lost the decision',
      { explanations: explaining(10, explained('decision_not_recorded', 'none')) },
      'route r: the reason is decision_not_recorded',
    ],
    [
      'explains silence where something was sent',
      { explanations: explaining(10, explained('continuing', 'none')) },
      'route r: explains silence (continuing), and there is an intent',
    ],
    [
      'explains a drop where it was delivered',
      { explanations: explaining(10, explained('rejected', 'dropped')) },
      'route r: the outcome is dropped, the intent is delivered',
    ],
    [
      'is still under way',
      { explanations: explaining(10, explained('new', 'pending')) },
      'route r: the outcome is pending, the intent is delivered',
    ],
    ['says that it matched where it did not', nothing, 'route r: matched, wrongly'],
    [
      'does not say which clause did not match',
      {
        ...nothing,
        explanations: answering('e10', {
          eventId: 'e10',
          seenAt: 'then',
          routes: [{ id: 'r', matched: false, reason: 'not_matched', clause: null, streams: [] }],
        }),
      },
      'route r does not say why it did not match',
    ],
  ])('%s', (_, change, line) => {
    expect(found(change)['unexplained']).toContain(`f e10: ${line}`);
  });

  test('of an issue that matches no route, the clauses are the explanation', () => {
    const routes = [{ id: 'r', matched: false, reason: 'not_matched', clause: 'severity:page', streams: [] }];
    expect(
      found({ ...nothing, explanations: answering('e10', { eventId: 'e10', seenAt: 'then', routes }) }),
    ).toEqual({});
  });
});
