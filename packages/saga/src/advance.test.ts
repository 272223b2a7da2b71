import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { advance, beginSaga, pendingCompensations, type SagaEvent } from './advance.ts';
import { planCompensation, retryDelayMs } from './plan-compensation.ts';
import { parseSagaState, type SagaState } from './state.ts';

const failure = { code: 'NO', message: 'no' };
const begun = (
  id: string,
  more: { isCompensable?: boolean; isPivot?: boolean; group?: string } = {},
): SagaEvent => ({
  kind: 'stepBegun',
  id,
  step: id,
  input: null,
  isCompensable: more.isCompensable ?? true,
  isPivot: more.isPivot ?? false,
  group: more.group ?? null,
});
const done = (id: string): SagaEvent => ({ kind: 'stepDone', id, result: id });
const failed = (id: string): SagaEvent => ({ kind: 'stepFailed', id, failure });
const bodyFailed: SagaEvent = { kind: 'bodyFailed', at: 5, cause: { kind: 'cancelled', reason: null } };
const bodyDone: SagaEvent = { kind: 'bodyDone', at: 5, result: 'result' };
const undone = (id: string): SagaEvent => ({ kind: 'compensated', id });
const undoFailed = (id: string, isForGood: boolean): SagaEvent => ({
  kind: 'compensationFailed',
  id,
  failure,
  isForGood,
});
const after = (...events: readonly SagaEvent[]): SagaState =>
  events.reduce(advance, beginSaga('trip', 'trip-1', 1));

describe('a saga ends', () => {
  test.each<[string, readonly SagaEvent[], SagaState['phase'], SagaState['outcome']]>([
    ['completed, when its body is done', [begun('a'), done('a'), bodyDone], 'ended', 'completed'],
    ['compensated, when nothing had begun', [bodyFailed], 'ended', 'compensated'],
    [
      'compensated, when nothing can be undone',
      [begun('a', { isCompensable: false }), bodyFailed],
      'ended',
      'compensated',
    ],
    ['not yet, while a compensation is pending', [begun('a'), done('a'), bodyFailed], 'compensating', null],
    [
      'not yet, after a compensation that failed',
      [begun('a'), bodyFailed, undoFailed('a', false)],
      'compensating',
      null,
    ],
    [
      'compensated, when all are undone',
      [begun('a'), bodyFailed, undoFailed('a', false), undone('a')],
      'ended',
      'compensated',
    ],
    [
      'uncompensated, when one is lost',
      [begun('a'), bodyFailed, undoFailed('a', true)],
      'ended',
      'uncompensated',
    ],
    [
      'not before the others are tried',
      [begun('a'), begun('b'), bodyFailed, undoFailed('b', true)],
      'compensating',
      null,
    ],
    ['not yet, while a step that failed is left', [begun('a'), failed('a'), bodyDone], 'compensating', null],
    [
      'completed, when what had failed is undone',
      [begun('a'), failed('a'), bodyDone, undone('a')],
      'ended',
      'completed',
    ],
    [
      'stuck, past the pivot',
      [begun('p', { isPivot: true, isCompensable: false }), done('p'), bodyFailed],
      'ended',
      'stuck',
    ],
    [
      'stuck, if the pivot may have happened',
      [begun('p', { isPivot: true, isCompensable: false }), bodyFailed],
      'ended',
      'stuck',
    ],
    [
      'compensated, if the pivot was refused',
      [begun('p', { isPivot: true, isCompensable: false }), failed('p'), bodyFailed],
      'ended',
      'compensated',
    ],
  ])('%s', (_, events, phase, outcome) => {
    expect(after(...events)).toMatchObject({ phase, outcome });
  });
});

test.each<[string, readonly SagaEvent[]]>([
  ['a step after the end', [bodyFailed, begun('a')]],
  ['a second end', [bodyDone, bodyDone]],
  ['the end of the body while a step is open', [begun('a'), bodyDone]],
  ['a step while it compensates', [begun('a'), bodyFailed, begun('b')]],
  ['a compensation while it goes forward', [begun('a'), undone('a')]],
  ['the end of a step that never began', [done('a')]],
])('%s is refused', (_, events) => {
  expect(() => after(...events)).toThrow(/^Saga trip \(trip-1\) (?:has ended|is |never began)/);
});

describe('what is compensated next', () => {
  const all = [
    begun('a'),
    begun('b', { group: 'g' }),
    begun('n', { isCompensable: false }),
    begun('c', { group: 'g' }),
    begun('d'),
  ];
  test.each<[string, 'reverse' | 'parallel', readonly SagaEvent[], readonly string[]]>([
    ['the last step', 'reverse', [], ['d']],
    ['then the group before it, together', 'reverse', [undone('d')], ['b', 'c']],
    ['of the group what is left', 'reverse', [undone('d'), undone('c')], ['b']],
    [
      'the next one, although one is lost',
      'reverse',
      [undoFailed('d', true), undoFailed('c', true), undone('b')],
      ['a'],
    ],
    ['the same one, until it succeeds', 'reverse', [undoFailed('d', false)], ['d']],
    ['all of them', 'parallel', [], ['a', 'b', 'c', 'd']],
    ['all that are left', 'parallel', [undone('b')], ['a', 'c', 'd']],
  ])('%s (%s)', (_, order, events, expected) => {
    const state = after(...all, bodyFailed, ...events);
    expect(planCompensation(state, order).map(({ id }) => id)).toEqual(expected);
  });

  test('groups that do not follow each other are two groups', () => {
    const state = after(begun('a', { group: 'g' }), begun('b'), begun('c', { group: 'g' }), bodyFailed);
    expect(planCompensation(state, 'reverse').map(({ id }) => id)).toEqual(['c']);
  });
});

test('the wait between attempts doubles up to a minute', () => {
  expect([1, 2, 3, 6, 7, 8, 1000].map(retryDelayMs)).toEqual([
    1000, 2000, 4000, 32_000, 60_000, 60_000, 60_000,
  ]);
});

test('any compensation, in any order and with any failures, ends; and the state is data at every moment', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ isCompensable: fc.boolean(), ends: fc.constantFrom('done', 'failed', 'running') }),
        {
          maxLength: 6,
        },
      ),
      fc.constantFrom<'reverse' | 'parallel'>('reverse', 'parallel'),
      fc.infiniteStream(fc.constantFrom('succeeds', 'fails', 'is lost')),
      (steps, order, outcomes) => {
        let state = beginSaga('any', 'any-1', 0);
        const record = (event: SagaEvent): void => {
          state = advance(state, event);
          expect(parseSagaState(JSON.parse(JSON.stringify(state)))).toEqual(
            JSON.parse(JSON.stringify(state)),
          );
        };
        for (const [index, { isCompensable, ends }] of steps.entries()) {
          const id = `s${index}`;
          record(begun(id, { isCompensable }));
          if (ends !== 'running') record(ends === 'done' ? done(id) : failed(id));
        }
        record(bodyFailed);
        let failures = 0;
        for (let due = planCompensation(state, order); due.length > 0; due = planCompensation(state, order)) {
          const [next] = due;
          const { value: outcome } = outcomes.next();
          if (outcome === 'succeeds' || failures > 20) record(undone(next?.id ?? ''));
          else record(undoFailed(next?.id ?? '', outcome === 'is lost'));
          if (outcome === 'fails') failures++;
        }
        expect(pendingCompensations(state)).toEqual([]);
        expect(state.phase).toBe('ended');
        const statuses = state.steps.filter((step) => step.isCompensable).map(({ status }) => status);
        expect(statuses.every((status) => status === 'compensated' || status === 'uncompensated')).toBe(true);
        expect(state.outcome).toBe(statuses.includes('uncompensated') ? 'uncompensated' : 'compensated');
      },
    ),
  );
});
