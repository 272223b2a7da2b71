import { expect, test } from '@jest/globals';
import { slotOptions, type SlotPreset } from './slots.ts';

test.each<[string, SlotPreset, object]>([
  [
    'work that computes: as many as cores',
    { kind: 'cpu', cores: 4 },
    { maxConcurrentActivityTaskExecutions: 4, maxConcurrentLocalActivityExecutions: 8 },
  ],
  [
    'work that waits: many',
    { kind: 'io' },
    { maxConcurrentActivityTaskExecutions: 100, maxConcurrentLocalActivityExecutions: 100 },
  ],
  [
    'work that waits, sized',
    { kind: 'io', activities: 7 },
    { maxConcurrentActivityTaskExecutions: 7, maxConcurrentLocalActivityExecutions: 100 },
  ],
  [
    'one provider: exactly its limit',
    { kind: 'provider', concurrency: 5 },
    { maxConcurrentActivityTaskExecutions: 5 },
  ],
  [
    'one provider with a rate',
    { kind: 'provider', concurrency: 5, perSecond: 2 },
    { maxConcurrentActivityTaskExecutions: 5, maxTaskQueueActivitiesPerSecond: 2 },
  ],
])('slots for %s', (_, preset, options) => {
  expect(slotOptions(preset)).toEqual(options);
});
