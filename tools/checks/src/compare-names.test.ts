import { expect, test } from '@jest/globals';
import {
  compareNames,
  createdMetrics,
  declaredVariables,
  documentedMetrics,
  documentedVariables,
} from './compare-names.ts';

test('a variable is declared by a field, not by whoever reads it', () => {
  const source = `export const variables = {
  HELIOGRAPH_HTTP_HOST: text({ default: '127.0.0.1' }),
  OTEL_EXPORTER_OTLP_ENDPOINT: url({ optional: true }),
};
const host = config.HELIOGRAPH_READ_HERE; // HELIOGRAPH_IN_A_COMMENT: no
`;
  expect(declaredVariables(source)).toEqual(['HELIOGRAPH_HTTP_HOST', 'OTEL_EXPORTER_OTLP_ENDPOINT']);
});

test('an abbreviated variable is not documented', () => {
  expect(documentedVariables('`HELIOGRAPH_HTTP_HOST`, `…_HTTP_PORT`, begins with `HELIOGRAPH_`')).toEqual([
    'HELIOGRAPH_HTTP_HOST',
  ]);
});

test.each([
  [`meter.createCounter('a_b', {`, 'a_b_total'],
  [`meter.createObservableCounter('a_b_total', {`, 'a_b_total'],
  [`meter.createUpDownCounter('a_b')`, 'a_b'],
  [`meter\n    .createObservableGauge(\n      'a_b', {`, 'a_b'],
  [`duration: meter.createHistogram('a_b', {`, 'a_b'],
])('%j is the metric %s', (source, name) => {
  expect(createdMetrics(source)).toEqual([name]);
});

test('the metrics of a document are ours, with or without labels', () => {
  const document =
    '`telemetry_failures_total{source}` and `process_cpu_seconds_total`, `temporal_x`, `process_*`';
  expect(documentedMetrics(document)).toEqual(['telemetry_failures_total', 'process_cpu_seconds_total']);
});

test('a difference says what is missing where', () => {
  expect(compareNames(['b', 'a', 'c', 'a'], ['c', 'd'])).toEqual({
    undocumented: ['a', 'b'],
    unknown: ['d'],
  });
});
