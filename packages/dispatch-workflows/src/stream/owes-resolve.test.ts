import { expect, test } from '@jest/globals';
import type { StreamState } from '../contract/stream-state.ts';
import { mayHaveOpenIncident, owesResolve } from './owes-resolve.ts';
import { INITIAL_STREAM_STATE } from './should-notify.ts';

const open: StreamState = { ...INITIAL_STREAM_STATE, status: 'firing', lastPosition: '10' };
const maybe: StreamState = { ...open, status: 'none', mayBeOpen: true };
const closed: StreamState = { ...open, status: 'resolved' };
const resolved = (position: string) => ({ status: 'resolved' as const, position });

test.each([
  ['open, and resolved since', open, resolved('11'), true],
  ['open, and its own issue resolved it', open, resolved('10'), true],
  ['possibly open, and resolved since', maybe, resolved('11'), true],
  ['open, and an older issue resolved', open, resolved('9'), false],
  ['open, and still firing', open, { status: 'firing' as const, position: '11' }, false],
  ['open, and no issue is left', open, null, false],
  ['open, and nothing decided', { ...open, lastPosition: null }, resolved('11'), false],
  ['closed', closed, resolved('11'), false],
  ['never notified', { ...INITIAL_STREAM_STATE, lastPosition: '1' }, resolved('11'), false],
])('a stream that is %s', (_, state, newest, owed) => {
  expect(owesResolve(state, newest)).toBe(owed);
});

test('an incident may be open while it is, or where a trigger in doubt was dropped', () => {
  expect([open, maybe, closed, INITIAL_STREAM_STATE].map(mayHaveOpenIncident)).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
