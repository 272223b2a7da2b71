import { describe, expect, test } from '@jest/globals';
import type { IssueSignal, IssueStatus } from '../contract/issue-signal.ts';
import { compactInbox } from './compact-inbox.ts';

const signals = (...statuses: readonly IssueStatus[]): readonly IssueSignal[] =>
  statuses.map((status, index) => ({
    eventId: `e${index}`,
    position: String(index + 1),
    status,
    storedAt: index,
    policy: { version: 7, renotifyIntervalMs: null, maxSignalAgeMs: 1 },
  }));
const positions = (kept: readonly IssueSignal[]) => kept.map(({ position }) => position);

describe('an inbox that is carried on', () => {
  test('stays as it is while it fits', () => {
    const inbox = signals('firing', 'resolved', 'firing');
    expect(compactInbox(inbox, 3)).toEqual({ kept: inbox, superseded: null });
  });

  test.each<[readonly IssueStatus[], readonly string[], object | null]>([
    [['firing', 'suppressed', 'firing', 'resolved'], ['4'], { first: '1', last: '3', count: 3 }],
    [['firing', 'firing', 'suppressed'], ['3'], { first: '1', last: '2', count: 2 }],
    [
      ['suppressed', 'firing', 'suppressed', 'resolved', 'firing'],
      ['3', '5'],
      { first: '1', last: '4', count: 3 },
    ],
    [['firing', 'resolved', 'firing'], ['3'], { first: '1', last: '2', count: 2 }],
    [['suppressed', 'firing'], ['1', '2'], null],
  ])('of %p keeps %p', (statuses, kept, superseded) => {
    const result = compactInbox(signals(...statuses).toReversed(), 1);
    expect(positions(result.kept)).toEqual(kept);
    if (superseded === null) expect(result.superseded).toBeNull();
    else
      expect(result.superseded).toEqual({
        reason: 'superseded_by_newer',
        since: '1',
        version: 7,
        ...superseded,
      });
  });
});
