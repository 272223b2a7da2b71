import { expect, test } from '@jest/globals';
import { deriveIdempotencyKey, type KeyReach, type KeySource } from './idempotency-key.ts';

const source: KeySource = {
  namespace: 'default',
  activityId: '5',
  workflowExecution: { workflowId: 'order-17', runId: 'r1' },
};
const keyOf = (change: Partial<KeySource>, reach: KeyReach, event = 'capture'): string =>
  deriveIdempotencyKey({ ...source, ...change }, event, reach);

test('a retry has the same key, because the attempt is no part of it', () => {
  const retried = { ...source, attempt: 2 };
  for (const reach of ['run', 'workflow', 'event'] as const)
    expect(deriveIdempotencyKey(retried, 'capture', reach)).toBe(keyOf({}, reach));
});

test('the form of a key stays: a provider may hold it for months', () => {
  expect(keyOf({}, 'run')).toBe('hk1-pulOlX7xEwaQdpJ6RsoWhA7DfiNME0bWLh_uJ6JSlKY');
  expect(keyOf({}, 'workflow')).toBe('hk1-yebpHKx-fRw-POk6hLtzakJH1iMvZDtRpjEW1ykXasY');
  expect(keyOf({}, 'event')).toBe('hk1-iJ2RWkwHsGy5g6SVMdvRUPaoF0riMQQqjVB9ZZcU7pk');
});

test.each<[KeyReach, boolean, boolean, boolean, boolean]>([
  // reach, another run (reset, continue-as-new), another activity, another workflow, another event
  ['run', true, true, true, true],
  ['workflow', false, false, true, true],
  ['event', false, false, false, true],
])('reach %s', (reach, run, activity, workflow, event) => {
  const key = keyOf({}, reach);
  expect(keyOf({ workflowExecution: { workflowId: 'order-17', runId: 'r2' } }, reach) !== key).toBe(run);
  expect(keyOf({ activityId: '6' }, reach) !== key).toBe(activity);
  expect(keyOf({ workflowExecution: { workflowId: 'order-18', runId: 'r1' } }, reach) !== key).toBe(workflow);
  expect(keyOf({}, reach, 'refund') !== key).toBe(event);
  expect(keyOf({ namespace: 'other' }, reach)).not.toBe(key);
});

test('what is joined differently is another key', () => {
  const keys = [
    keyOf({ workflowExecution: { workflowId: 'ab', runId: 'c' } }, 'run'),
    keyOf({ workflowExecution: { workflowId: 'a', runId: 'bc' } }, 'run'),
    keyOf({ workflowExecution: { workflowId: 'a","b', runId: 'c' } }, 'run'),
  ];
  expect(new Set(keys).size).toBe(3);
});

test('an activity that no workflow started has a key of its own run', () => {
  const standalone = { namespace: 'default', activityId: 'a', activityRunId: 'r1' };
  expect(deriveIdempotencyKey(standalone, 'capture', 'run')).not.toBe(
    deriveIdempotencyKey({ ...standalone, activityRunId: 'r2' }, 'capture', 'run'),
  );
  expect(() => deriveIdempotencyKey(standalone, 'capture', 'workflow')).toThrow('no key per workflow');
});

// Every lone surrogate becomes the same replacement character in UTF-8, so that two events would have one key.
test.each(['', 'x'.repeat(513), 'order-\uD800'])('the event %j is refused', (event) => {
  expect(() => keyOf({}, 'event', event)).toThrow('1 to 512 well-formed characters');
});
