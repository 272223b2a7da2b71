import { expect, test } from '@jest/globals';
import { countFaults } from './count-faults.ts';

const at = (eventId: string, streamId = 's', webhookId = eventId, isAccepted = true) => ({
  eventId,
  streamId,
  webhookId,
  isAccepted,
});

test.each([
  ['all in order', [at('a'), at('b'), at('c')], { lost: 0, reordered: 0, duplicates: 0, unexpected: 0 }],
  ['one missing', [at('a'), at('c')], { lost: 1, reordered: 0, duplicates: 0, unexpected: 0 }],
  ['two swapped', [at('b'), at('a'), at('c')], { lost: 0, reordered: 1, duplicates: 0, unexpected: 0 }],
  [
    'swapped over two streams',
    [at('b', 's1'), at('a', 's2'), at('c')],
    { lost: 0, reordered: 0, duplicates: 0, unexpected: 0 },
  ],
  [
    'one twice',
    [at('a'), at('b'), at('a'), at('c')],
    { lost: 0, reordered: 0, duplicates: 1, unexpected: 0 },
  ],
  [
    'foreign ones',
    [at('x'), at('a'), at('b'), at('c'), at('x')],
    { lost: 0, reordered: 0, duplicates: 0, unexpected: 2 },
  ],
  [
    'one under three ids',
    [at('a'), at('b'), at('b', 's', 'b2'), at('b', 's', 'b3'), at('c')],
    { lost: 0, reordered: 0, duplicates: 0, unexpected: 2 },
  ],
  [
    'one in two streams',
    [at('a', 's1'), at('a', 's2', 'a2'), at('b', 's1'), at('c', 's1')],
    { lost: 0, reordered: 0, duplicates: 0, unexpected: 1 },
  ],
  [
    'one refused and never accepted',
    [at('a'), at('b', 's', 'b', false), at('c')],
    { lost: 1, reordered: 0, duplicates: 0, unexpected: 0 },
  ],
  [
    'one accepted at the second attempt',
    [at('a', 's', 'a', false), at('a'), at('b'), at('c')],
    { lost: 0, reordered: 0, duplicates: 0, unexpected: 0 },
  ],
  [
    'one that overtakes another which was refused',
    [at('a', 's', 'a', false), at('b'), at('a'), at('c')],
    { lost: 0, reordered: 1, duplicates: 0, unexpected: 0 },
  ],
])('%s', (_, received, expected) => {
  expect(countFaults(['a', 'b', 'c'], received)).toEqual(expected);
});
