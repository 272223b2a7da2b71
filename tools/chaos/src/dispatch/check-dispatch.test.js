import { describe, expect, test } from '@jest/globals';
import { checkDispatch, expectedNotifications } from './check-dispatch.js';

/** @type {(fingerprint: string, status: 'firing' | 'resolved' | 'suppressed', position: number) => import('./check-dispatch.js').IssueRow} */
const issue = (fingerprint, status, position) => ({
  eventId: `e${position}`,
  fingerprint,
  status,
  position: String(position),
});
/** @type {(eventId: string, type: string, answer?: string, webhookId?: string) => import('./check-dispatch.js').Received} */
const request = (eventId, type, answer = 'accepted', webhookId = `w-${eventId}`) => ({
  webhookId,
  eventId,
  fingerprint: 'a',
  type,
  answer,
});

const issues = [
  issue('a', 'firing', 1),
  issue('a', 'firing', 2),
  issue('a', 'resolved', 3),
  issue('a', 'resolved', 4),
];
const triggered = request('e1', 'alert.triggered');
const resolved = request('e3', 'alert.resolved');
const state = { fingerprint: 'a', status: 'resolved', lastPosition: '3', notificationCount: 2 };
const good = {
  issues,
  acknowledged: ['e1', 'e2', 'e3', 'e4'],
  received: [triggered, resolved],
  states: [state],
};

test('only the issues that open or close are expected', () => {
  expect(expectedNotifications(issues).map(({ eventId, type }) => `${eventId} ${type}`)).toEqual([
    'e1 alert.triggered',
    'e3 alert.resolved',
  ]);
});

test('a run in which all arrived in order is clean', () => {
  expect(checkDispatch(good)).toEqual({
    expected: 2,
    lost: [],
    unexpected: [],
    reordered: [],
    duplicates: 0,
    wrongStates: [],
    forgotten: [],
  });
});

describe('the checker finds', () => {
  test.each([
    ['a lost notification', { received: [triggered] }, { lost: ['a: alert.resolved e3'] }],
    [
      'one that was only tried',
      { received: [triggered, request('e3', 'alert.resolved', 'status')] },
      { lost: ['a: alert.resolved e3'] },
    ],
    ['two in the wrong order', { received: [resolved, triggered] }, { reordered: ['a: alert.triggered e1'] }],
    ['a repeat', { received: [triggered, triggered, resolved] }, { duplicates: 1, unexpected: [] }],
    [
      'a repeat under another id',
      { received: [triggered, request('e1', 'alert.triggered', 'accepted', 'x'), resolved] },
      { unexpected: ['a: alert.triggered e1 under two ids'] },
    ],
    [
      'one that nobody expects',
      { received: [triggered, request('e2', 'alert.triggered'), resolved] },
      { unexpected: ['a: alert.triggered e2'] },
    ],
    [
      'a state that stayed behind',
      { states: [{ ...state, status: 'firing', notificationCount: 1 }] },
      { wrongStates: ['a: firing after 1, should be resolved after 2'] },
    ],
    ['a missing state', { states: [] }, { wrongStates: ['a: no row, should be resolved after 2'] }],
    ['an issue that was acknowledged and is gone', { acknowledged: ['e9'] }, { forgotten: ['e9'] }],
  ])('%s', (_, change, expected) => {
    expect(checkDispatch({ ...good, ...change })).toMatchObject(expected);
  });
});
