import { describe, expect, test } from '@jest/globals';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { toSpanRow } from './to-span-row.ts';

const TRACE = '5b8efff798038103d269b633813fc60c';
const SPAN = 'eee19b7ec3c1b174';

function spanOf(more: Partial<ReadableSpan> = {}): ReadableSpan {
  return {
    name: 'deliver',
    kind: SpanKind.INTERNAL,
    spanContext: () => ({ traceId: TRACE, spanId: SPAN, traceFlags: 1 }),
    startTime: [1_790_000_000, 123_456_789],
    endTime: [1_790_000_001, 0],
    status: { code: SpanStatusCode.UNSET },
    attributes: {},
    links: [],
    events: [],
    duration: [0, 876_543_211],
    ended: true,
    resource: resourceFromAttributes({}),
    instrumentationScope: { name: 'dispatch' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
    ...more,
  };
}

describe('toSpanRow', () => {
  test('keeps everything that a span has', () => {
    const span = spanOf({
      kind: SpanKind.CLIENT,
      parentSpanContext: { traceId: TRACE, spanId: 'eee19b7ec3c1b173', traceFlags: 1 },
      status: { code: SpanStatusCode.ERROR, message: 'no' },
      attributes: { 'issue.fingerprint': 'f1', 'notification.duration_ms': 12.5, tried: true },
      resource: resourceFromAttributes({ 'service.name': 'worker', 'process.pid': 7 }),
      instrumentationScope: { name: 'dispatch', version: '1.2.3' },
      events: [{ time: [1_790_000_000, 500_000_000], name: 'dropped', attributes: { code: 'GONE' } }],
      links: [{ context: { traceId: TRACE, spanId: SPAN, traceFlags: 1 }, attributes: { l: 'm' } }],
    });
    expect(toSpanRow(span)).toEqual({
      Timestamp: '2026-09-21T14:13:20.123456789Z',
      TraceId: TRACE,
      SpanId: SPAN,
      ParentSpanId: 'eee19b7ec3c1b173',
      TraceState: '',
      SpanName: 'deliver',
      SpanKind: 'Client',
      ServiceName: 'worker',
      ResourceAttributes: { 'service.name': 'worker', 'process.pid': '7' },
      ScopeName: 'dispatch',
      ScopeVersion: '1.2.3',
      SpanAttributes: { 'issue.fingerprint': 'f1', 'notification.duration_ms': '12.5', tried: 'true' },
      Duration: '876543211',
      StatusCode: 'Error',
      StatusMessage: 'no',
      'Events.Timestamp': ['2026-09-21T14:13:20.500000000Z'],
      'Events.Name': ['dropped'],
      'Events.Attributes': [{ code: 'GONE' }],
      'Links.TraceId': [TRACE],
      'Links.SpanId': [SPAN],
      'Links.TraceState': [''],
      'Links.Attributes': [{ l: 'm' }],
    });
  });

  test('leaves empty what a span lacks', () => {
    expect(toSpanRow(spanOf())).toMatchObject({
      ParentSpanId: '',
      ServiceName: '',
      ResourceAttributes: {},
      ScopeVersion: '',
      StatusMessage: '',
      'Events.Timestamp': [],
      'Links.TraceId': [],
    });
  });

  test.each([
    ['text', 'text'],
    ['half a pair \uD800', 'half a pair \uFFFD'],
    [0, '0'],
    [-1.5, '-1.5'],
    [Number.NaN, ''],
    [false, 'false'],
    [['muted', 'rate'], '["muted","rate"]'],
    [[1, Number.POSITIVE_INFINITY, null], '[1,null,null]'],
    [[], '[]'],
    [undefined, ''],
    [{ a: [1, 'b'] }, '{"a":[1,"b"]}'],
    [new Uint8Array([1, 2, 255]), 'AQL/'],
    [null, ''],
  ])('writes the attribute %j as %j', (value, text) => {
    expect(toSpanRow(spanOf({ attributes: { it: value } }))['SpanAttributes']).toEqual({ it: text });
  });

  test('an attribute may have the name of something that every object has', () => {
    const attributes = Object.fromEntries([['__proto__', 'a']]);
    expect(JSON.stringify(toSpanRow(spanOf({ attributes }))['SpanAttributes'])).toBe('{"__proto__":"a"}');
  });

  test.each([
    [[1, 0], [1, 5], '5'],
    [[0, 0], [9_223_372_036, 854_775_807], '9223372036854775807'],
    [[2, 0], [1, 999_999_999], '0'],
  ] as const)('a span from %j to %j lasts %s ns', (startTime, endTime, duration) => {
    const span = spanOf({ startTime: [...startTime], endTime: [...endTime] });
    expect(toSpanRow(span)['Duration']).toBe(duration);
  });
});
