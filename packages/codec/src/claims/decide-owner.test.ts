import { describe, expect, test } from '@jest/globals';
import type { OwnerRecord } from './claim-registry.ts';
import { decideOwner } from './decide-owner.ts';

const HOUR = 3_600_000;
const NOW = 1000 * HOUR;
const record = (given: Partial<OwnerRecord>): OwnerRecord => ({
  id: 'c1-0',
  namespace: 'prod',
  workflowId: 'w1',
  uploads: 1,
  claimedAt: NOW - HOUR,
  observedAt: null,
  missingSince: null,
  isUncertain: false,
  ...given,
});
const gone = { families: null, hasRelatives: false };
const there = { families: ['root:w1'], hasRelatives: false };
const options = { now: NOW, graceMs: 24 * HOUR, retentionMs: 72 * HOUR, releaseUncertain: false };
const before = (hours: number): number => NOW - hours * HOUR;

describe('an owner', () => {
  test.each<[string, Partial<OwnerRecord>, typeof gone | typeof there, object]>([
    [
      'with executions is kept',
      { missingSince: before(2) },
      there,
      { missingSince: null, families: ['root:w1'] },
    ],
    ['that is new and has none yet is kept', {}, gone, { missingSince: NOW }],
    [
      'that has had none for less than the grace period is kept',
      { observedAt: before(1), missingSince: before(23.9) },
      gone,
      { missingSince: before(23.9) },
    ],
    [
      'without executions is kept for its relatives',
      { observedAt: before(1), missingSince: before(99) },
      { families: null, hasRelatives: true },
      { missingSince: null, families: [] },
    ],
    [
      'that was not looked at for as long as the retention is uncertain',
      { claimedAt: before(500), observedAt: before(72), missingSince: before(100) },
      gone,
      { isUncertain: true, missingSince: before(100) },
    ],
    [
      'that was first looked at after the retention is uncertain',
      { claimedAt: before(72) },
      gone,
      { isUncertain: true },
    ],
    [
      'that was not looked at in time is uncertain although it exists: other executions may have come and gone',
      { claimedAt: before(500), observedAt: before(80) },
      there,
      { isUncertain: true },
    ],
    [
      'stays uncertain',
      { observedAt: before(1), missingSince: before(50), isUncertain: true },
      gone,
      { isUncertain: true },
    ],
  ])('%s', (_, given, found, observation) => {
    expect(decideOwner(record(given), found, options)).toMatchObject({ kind: 'keep', observation });
  });

  test('without executions and relatives for the grace period is forgotten', () => {
    const missing = record({ observedAt: before(1), missingSince: before(24) });
    expect(decideOwner(missing, gone, options)).toEqual({ kind: 'disown' });
  });

  test('that is uncertain is forgotten when an operator says so, and not while it exists', () => {
    const released = { ...options, releaseUncertain: true };
    const uncertain = record({ observedAt: before(1), missingSince: before(24), isUncertain: true });
    expect(decideOwner(uncertain, gone, released)).toEqual({ kind: 'disown' });
    expect(decideOwner(uncertain, there, released)).toMatchObject({
      kind: 'keep',
      observation: { isUncertain: false },
    });
  });
});
