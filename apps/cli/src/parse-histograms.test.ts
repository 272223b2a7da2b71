import { expect, test } from '@jest/globals';
import { addHistograms, parseHistograms, quantileOf } from './parse-histograms.ts';

const TEXT = `# HELP temporal_activity_execution_latency Histogram of activity execution latencies
# TYPE temporal_activity_execution_latency histogram
temporal_activity_execution_latency_bucket{activity_type="pay",namespace="default",le="100"} 50
temporal_activity_execution_latency_bucket{activity_type="pay",namespace="default",le="500"} 90
temporal_activity_execution_latency_bucket{activity_type="pay",namespace="default",le="+Inf"} 100
temporal_activity_execution_latency_bucket{activity_type="a \\"b\\", {c}",le="100"} 1 1700000000
temporal_activity_execution_latency_bucket{activity_type="a \\"b\\", {c}",le="+Inf"} 1
temporal_activity_execution_latency_sum{activity_type="pay"} 12345
other_bucket{activity_type="pay",le="+Inf"} 7
temporal_activity_execution_latency_bucket{activity_type="pay",le="broken"} 7
`;

test('histograms of one name are read, with whatever their labels hold', () => {
  const found = parseHistograms(TEXT, 'temporal_activity_execution_latency');
  expect(found).toHaveLength(2);
  expect(found[0]).toEqual({
    labels: { activity_type: 'pay', namespace: 'default' },
    buckets: [
      { atMost: 100, count: 50 },
      { atMost: 500, count: 90 },
      { atMost: Number.POSITIVE_INFINITY, count: 100 },
    ],
  });
  expect(found[1]?.labels).toEqual({ activity_type: 'a "b", {c}' });
  expect(parseHistograms(TEXT, 'nothing')).toEqual([]);
});

test('quantiles lie between bounds, and above the highest one only that is known', () => {
  const [pay] = parseHistograms(TEXT, 'temporal_activity_execution_latency');
  expect(quantileOf(pay?.buckets ?? [], 0.5)).toEqual({ estimate: 100, atMost: 100 });
  expect(quantileOf(pay?.buckets ?? [], 0.7)).toEqual({ estimate: 300, atMost: 500 });
  expect(quantileOf(pay?.buckets ?? [], 0.99)).toEqual({ estimate: 500, atMost: Number.POSITIVE_INFINITY });
  expect(quantileOf([], 0.5)).toBeNull();
  expect(quantileOf([{ atMost: Number.POSITIVE_INFINITY, count: 0 }], 0.5)).toBeNull();
});

test('processes are added up, by the bounds that all of them have', () => {
  const one = {
    labels: {},
    buckets: [
      { atMost: 10, count: 1 },
      { atMost: 20, count: 2 },
    ],
  };
  const two = { labels: {}, buckets: [{ atMost: 20, count: 5 }] };
  expect(addHistograms([one, two])).toEqual([{ atMost: 20, count: 7 }]);
  expect(addHistograms([])).toEqual([]);
});
