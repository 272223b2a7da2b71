import { expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { priority, type PriorityChoice } from './priority.ts';

test.each<[PriorityChoice, object]>([
  [{}, {}],
  [{ urgency: 'urgent' }, { priorityKey: 1 }],
  [{ urgency: 'idle' }, { priorityKey: 5 }],
  [{ fairness: { key: 'tenant-7' } }, { fairnessKey: 'tenant-7' }],
  [
    { urgency: 'high', fairness: { key: 'tenant-7', weight: 0.5 } },
    { priorityKey: 2, fairnessKey: 'tenant-7', fairnessWeight: 0.5 },
  ],
  [{ fairness: { key: 'x'.repeat(64) } }, { fairnessKey: 'x'.repeat(64) }],
  [{ fairness: { key: '😀'.repeat(16) } }, { fairnessKey: '😀'.repeat(16) }],
])('%j is what the SDK takes as %j: nothing that was left out', (choice, expected) => {
  expect(priority(choice)).toStrictEqual(expected);
});

test.each<[PriorityChoice, string]>([
  [
    { urgency: 'whenever' as never },
    'urgency must be one of urgent, high, normal, low, idle, and is "whenever"',
  ],
  [{ urgency: 'toString' as never }, 'urgency must be one of'],
  [{ fairness: { key: '' } }, '1 to 64 bytes, and this one has 0'],
  [{ fairness: { key: 'x'.repeat(65) } }, '1 to 64 bytes, and this one has 65'],
  [{ fairness: { key: 'ü'.repeat(33) } }, '1 to 64 bytes, and this one has 66'],
  [{ fairness: { key: '€'.repeat(22) } }, '1 to 64 bytes, and this one has 66'],
  [{ fairness: { key: '😀'.repeat(17) } }, '1 to 64 bytes, and this one has 68'],
  ...[0, -1, 0.0009, 1001, Number.NaN].map((weight): [PriorityChoice, string] => [
    { fairness: { key: 't', weight } },
    `0.001 to 1,000, and this one is ${weight}`,
  ]),
])('%j is refused by an error that ends a workflow', (choice, problem) => {
  const refused = () => priority(choice);
  expect(refused).toThrow(ApplicationFailure);
  expect(refused).toThrow(
    expect.objectContaining({
      type: 'TEMPORAL_POLICY_INVALID',
      nonRetryable: true,
      message: expect.stringContaining(problem),
    }),
  );
});
