import { expect, test } from '@jest/globals';
import type { StoredIssue } from './issue.ts';
import { createRecentIssues } from './recent-issues.ts';

const issue = (position: string, summary = ''): StoredIssue => ({
  position,
  eventId: `e${position}`,
  monitor: 'm',
  fingerprint: 'f',
  status: 'firing',
  severity: 'critical',
  labels: {},
  annotations: { summary },
  startsAt: 0,
  endsAt: null,
  storedAt: 0,
});

test('what was read is found by position and event id', () => {
  const recent = createRecentIssues();
  recent.add([issue('1')]);
  expect(recent.get({ position: '1', eventId: 'e1' })).toEqual(issue('1'));
  expect(recent.get({ position: '1', eventId: 'other' })).toBeUndefined();
});

test('the oldest are forgotten beyond the number, and beyond the size', () => {
  const few = createRecentIssues({ maxIssues: 2 });
  few.add([issue('1'), issue('2'), issue('3')]);
  expect(['1', '2', '3'].map((position) => few.get(issue(position)) !== undefined)).toEqual([
    false,
    true,
    true,
  ]);
  const small = createRecentIssues({ maxCharacters: 1000 });
  small.add([issue('1', 'x'.repeat(600)), issue('2', 'y'.repeat(600))]);
  expect(small.get(issue('1'))).toBeUndefined();
  expect(small.get(issue('2'))).toBeDefined();
});

test('a row read again counts once', () => {
  const recent = createRecentIssues({ maxIssues: 2 });
  for (let round = 0; round < 5; round++) recent.add([issue('1'), issue('2')]);
  expect(recent.get(issue('1'))).toBeDefined();
});
