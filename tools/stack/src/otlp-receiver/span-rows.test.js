import { describe, expect, test } from '@jest/globals';
import { spanRows } from './span-rows.js';

const TRACE = '5b8efff798038103d269b633813fc60c';
const SPAN = 'eee19b7ec3c1b174';

/**
 * @param {Record<string, unknown>} span
 * @param {{ resource?: unknown, scope?: unknown }} [around]
 */
function bodyOf(span, { resource, scope } = {}) {
  return { resourceSpans: [{ resource, scopeSpans: [{ scope, spans: [span] }] }] };
}

/** @param {unknown} body */
function cellsOf(body) {
  return spanRows(body).map((row) => JSON.parse(row));
}

/** @param {Record<string, unknown>} span */
function cellOf(span, column = 0) {
  return cellsOf(bodyOf(span))[0][column];
}

test('a span becomes a row with everything it has', () => {
  const span = {
    traceId: TRACE.toUpperCase(),
    spanId: SPAN,
    parentSpanId: 'eee19b7ec3c1b173',
    traceState: 'a=1',
    name: 'deliver',
    kind: 3,
    startTimeUnixNano: '1790000000123456789',
    endTimeUnixNano: '1790000001000000000',
    attributes: [
      { key: 'issue.fingerprint', value: { stringValue: 'f1' } },
      { key: 'notification.duration_ms', value: { doubleValue: 12.5 } },
      { key: '__proto__', value: { intValue: 1 } },
    ],
    status: { code: 2, message: 'no' },
    events: [
      {
        timeUnixNano: '1790000000500000000',
        name: 'dropped',
        attributes: [{ key: 'code', value: { stringValue: 'GONE' } }],
      },
    ],
    links: [{ traceId: TRACE, spanId: SPAN, traceState: 'b=2', attributes: [{ key: 'l', value: {} }] }],
    flags: 257,
    unknown: {},
  };
  const resource = {
    attributes: [
      { key: 'service.name', value: { stringValue: 'worker' } },
      { key: 'process.pid', value: { intValue: 7 } },
    ],
  };
  const [row] = spanRows(bodyOf(span, { resource, scope: { name: 'dispatch', version: '1.2.3' } }));
  expect(row?.endsWith(']\n')).toBe(true);
  expect(JSON.parse(row ?? '')).toEqual([
    '2026-09-21 14:13:20.123456789',
    TRACE,
    SPAN,
    'eee19b7ec3c1b173',
    'a=1',
    'deliver',
    'Client',
    'worker',
    { 'service.name': 'worker', 'process.pid': '7' },
    'dispatch',
    '1.2.3',
    JSON.parse('{"issue.fingerprint":"f1","notification.duration_ms":"12.5","__proto__":"1"}'),
    876_543_211,
    'Error',
    'no',
    ['2026-09-21 14:13:20.500000000'],
    ['dropped'],
    [{ code: 'GONE' }],
    [TRACE],
    [SPAN],
    ['b=2'],
    [{ l: '' }],
  ]);
});

test('what a span leaves out is empty', () => {
  const empty = '1970-01-01 00:00:00.000000000';
  expect(cellsOf(bodyOf({}))).toEqual([
    [
      empty,
      '',
      '',
      '',
      '',
      '',
      'Unspecified',
      '',
      {},
      '',
      '',
      {},
      0,
      'Unset',
      '',
      [],
      [],
      [],
      [],
      [],
      [],
      [],
    ],
  ]);
});

test.each([{}, { resourceSpans: null }, { resourceSpans: [{}] }, { resourceSpans: [{ scopeSpans: [{}] }] }])(
  '%j has no rows',
  (body) => {
    expect(spanRows(body)).toEqual([]);
  },
);

test('spans of several resources and scopes keep their own', () => {
  const group = (/** @type {string} */ service) => ({
    resource: { attributes: [{ key: 'service.name', value: { stringValue: service } }] },
    scopeSpans: ['x', 'y'].map((name) => ({ scope: { name }, spans: [{ name: 'one' }, { name: 'two' }] })),
  });
  const rows = cellsOf({ resourceSpans: [group('api'), group('worker')] });
  expect(rows.map((cells) => [cells[7], cells[9], cells[5]].join(' '))).toEqual([
    'api x one',
    'api x two',
    'api y one',
    'api y two',
    'worker x one',
    'worker x two',
    'worker y one',
    'worker y two',
  ]);
});

describe('a kind and a status', () => {
  /** @type {[unknown, string][]} */
  const kinds = [
    [null, 'Unspecified'],
    [0, 'Unspecified'],
    [1, 'Internal'],
    [2, 'Server'],
    [3, 'Client'],
    [4, 'Producer'],
    [5, 'Consumer'],
    [6, ''],
    ['SPAN_KIND_PRODUCER', 'Producer'],
  ];
  test.each(kinds)('kind %j is %j', (kind, name) => {
    expect(cellOf({ kind }, 6)).toBe(name);
  });

  /** @type {[unknown, string][]} */
  const codes = [
    [undefined, 'Unset'],
    [0, 'Unset'],
    [1, 'Ok'],
    [2, 'Error'],
    [3, ''],
    ['STATUS_CODE_ERROR', 'Error'],
  ];
  test.each(codes)('status %j is %j', (code, name) => {
    expect(cellOf({ status: { code } }, 13)).toBe(name);
  });
});

describe('instants and durations', () => {
  /** @type {[unknown, string][]} */
  const instants = [
    ['0', '1970-01-01 00:00:00.000000000'],
    ['1', '1970-01-01 00:00:00.000000001'],
    [1_000_000_000, '1970-01-01 00:00:01.000000000'],
    ['1790000000999999999', '2026-09-21 14:13:20.999999999'],
    ['9223372036854775807', '2262-04-11 23:47:16.854775807'],
  ];
  test.each(instants)('%j is %s', (startTimeUnixNano, text) => {
    expect(cellOf({ startTimeUnixNano })).toBe(text);
  });

  /** @type {[string | undefined, string, string][]} */
  const durations = [
    ['1790000000000000000', '1790000000000000005', '5'],
    ['8', '7', '0'],
    [undefined, '5', '5'],
    ['0', '9223372036854775807', '9223372036854775807'],
  ];
  test.each(durations)('from %s to %s it takes %s ns', (startTimeUnixNano, endTimeUnixNano, duration) => {
    const [row] = spanRows(bodyOf({ startTimeUnixNano, endTimeUnixNano }));
    expect(row).toContain(`,{},${duration},"Unset"`);
  });
});

test.each([
  ['00000000000000000000000000000000', ''],
  [TRACE.toUpperCase(), TRACE],
])('the trace id %s is stored as %j', (traceId, stored) => {
  expect(cellOf({ traceId }, 1)).toBe(stored);
});

/** @type {[unknown, string][]} */
const MALFORMED = [
  [null, 'the body must be an object'],
  [[], 'the body must be an object'],
  [{ resourceSpans: {} }, 'resourceSpans must be an array'],
  [{ resourceSpans: [1] }, 'resourceSpans[0] must be an object'],
  [{ resourceSpans: [{ resource: 'x' }] }, 'resourceSpans[0].resource must be an object'],
  [
    { resourceSpans: [{}, { scopeSpans: [{ spans: 1 }] }] },
    'resourceSpans[1].scopeSpans[0].spans must be an array',
  ],
  [
    { resourceSpans: [{ resource: { attributes: [{ key: 'a', value: { intValue: 'x' } }] } }] },
    'resourceSpans[0].resource.attributes[0].value.intValue must be a 64-bit integer, or a string with one',
  ],
];
test.each(MALFORMED)('%j is refused: %s', (body, message) => {
  expect(() => spanRows(body)).toThrow(expect.objectContaining({ status: 400, code: 3, message }));
});

/** @type {[Record<string, unknown>, string][]} */
const MALFORMED_SPANS = [
  [{ traceId: 'abc' }, '.traceId must have 32 hexadecimal digits'],
  [{ traceId: 'x'.repeat(32) }, '.traceId must have 32 hexadecimal digits'],
  [{ spanId: 5 }, '.spanId must have 16 hexadecimal digits'],
  [{ parentSpanId: TRACE }, '.parentSpanId must have 16 hexadecimal digits'],
  [{ name: 1 }, '.name must be a string'],
  [{ kind: 'SERVER' }, '.kind must be an integer'],
  [{ kind: 1.5 }, '.kind must be an integer'],
  [{ status: 2 }, '.status must be an object'],
  [{ status: { code: {} } }, '.status.code must be an integer'],
  [{ startTimeUnixNano: 'now' }, '.startTimeUnixNano must be nanoseconds since 1970'],
  [{ startTimeUnixNano: -1 }, '.startTimeUnixNano must be nanoseconds since 1970'],
  [{ endTimeUnixNano: '9223372036854775808' }, '.endTimeUnixNano must be nanoseconds since 1970'],
  [{ events: [{ timeUnixNano: {} }] }, '.events[0].timeUnixNano must be nanoseconds since 1970'],
  [{ links: [{ spanId: 'zz' }] }, '.links[0].spanId must have 16 hexadecimal digits'],
  [{ attributes: { a: 1 } }, '.attributes must be an array'],
];
test.each(MALFORMED_SPANS)('the span %j is refused: %s', (span, problem) => {
  expect(() => spanRows(bodyOf(span))).toThrow(`resourceSpans[0].scopeSpans[0].spans[0]${problem}`);
});

test('spans that repeat a large resource beyond the limit are refused', () => {
  const resource = { attributes: [{ key: 'big', value: { stringValue: 'x'.repeat(1000) } }] };
  const spans = Array.from({ length: 20 }, () => ({}));
  const body = { resourceSpans: [{ resource, scopeSpans: [{ spans }] }] };
  expect(spanRows(body)).toHaveLength(20);
  expect(() => spanRows(body, { maxBytes: 10_000 })).toThrow(
    expect.objectContaining({ status: 413, code: 8 }),
  );
});
