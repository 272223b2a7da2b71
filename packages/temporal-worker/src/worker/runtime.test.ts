import { expect, test } from '@jest/globals';
import { HISTOGRAM_BUCKETS_MS } from './runtime.ts';

test.each(Object.entries(HISTOGRAM_BUCKETS_MS))('the boundaries of %s ascend', (_, boundaries) => {
  expect(boundaries).toEqual([...new Set(boundaries)].toSorted((a, b) => a - b));
});

test.each(['workflow_task_schedule_to_start_latency', 'activity_schedule_to_start_latency'])(
  'the thresholds on which workers are scaled are boundaries of %s',
  (name) => {
    expect(HISTOGRAM_BUCKETS_MS[name]).toEqual(expect.arrayContaining([200, 300]));
  },
);
