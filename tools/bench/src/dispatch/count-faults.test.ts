import { expect, test } from '@jest/globals';
import { countFaults } from './count-faults.ts';

const at = (eventId: string, streamId = 's', webhookId = eventId) => ({ eventId, streamId, webhookId });

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
])('%s', (_, received, expected) => {
  expect(countFaults(['a', 'b', 'c'], received)).toEqual(expected);
});
