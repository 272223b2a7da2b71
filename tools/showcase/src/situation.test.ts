import { describe, expect, test } from '@jest/globals';
import { isShown, summarize, type Expected, type Explanation } from './situation.ts';

const explanation = {
  routes: [
    { id: 'other', reason: 'not_matched', streams: [] },
    {
      id: 'mine',
      reason: 'matched',
      streams: [
        { reason: 'new', outcome: { kind: 'pending' } },
        { reason: 'stale', outcome: { kind: 'none' } },
      ],
    },
  ],
} as unknown as Explanation;

describe('on a route, an explanation shows', () => {
  test.each<[boolean, Expected, string]>([
    [true, { reason: 'matched' }, 'mine'],
    [true, { reason: 'new', outcome: 'pending' }, 'mine'],
    [true, { reason: 'stale' }, 'mine'],
    [false, { reason: 'new' }, 'mine'],
    [false, { reason: 'new', outcome: 'delivered' }, 'mine'],
    [false, { reason: 'matched', outcome: 'delivered' }, 'mine'],
    [false, { reason: 'not_matched' }, 'mine'],
    [true, { reason: 'not_matched' }, 'other'],
    [false, { reason: 'matched' }, 'none'],
  ])('%s: %j of %s', (expected, wanted, routeId) => {
    expect(isShown(explanation, routeId, wanted)).toBe(expected);
  });
});

test('a summary says what a route and its streams give', () => {
  expect(summarize(explanation, 'mine')).toBe('matched, new (pending), stale (none)');
  expect(summarize(explanation, 'none')).toBe('nothing about the route');
});
