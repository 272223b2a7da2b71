import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { type Attributes, INVALID_SPAN_CONTEXT, type Span, trace } from '@opentelemetry/api';
import type { Decision } from '../contract/decision.ts';
import { INITIAL_STREAM_STATE } from '../stream/should-notify.ts';
import { testIssue, testOrder } from '../testing/delivery-world.ts';
import { createDispatchTelemetry } from './dispatch-telemetry.ts';

const drawn: { name: string; attributes: Attributes }[] = [];

/** A span of the global tracer: keeps its last name and its attributes. */
function draw(name: string, attributes: Attributes = {}): Span {
  const span = { name, attributes };
  drawn.push(span);
  return Object.assign(trace.wrapSpanContext(INVALID_SPAN_CONTEXT), {
    updateName(this: Span, next: string) {
      span.name = next;
      return this;
    },
  });
}

beforeAll(() => {
  trace.setGlobalTracerProvider({
    getTracer: () => ({
      startSpan: (name, options) => draw(name, options?.attributes),
      startActiveSpan: () => {
        throw new TypeError('not used here');
      },
    }),
  });
});
beforeEach(() => {
  drawn.length = 0;
});
afterAll(() => trace.disable());

const { stream } = testOrder();
/** Older than its route allows: on its own it would be stale. */
const first = { signal: testIssue, now: testIssue.storedAt + 7_200_000 };
const opening = (decision: Decision | null) =>
  createDispatchTelemetry().traceOpenStream(stream, first, async () => ({
    state: INITIAL_STREAM_STATE,
    decision,
    delivery: null,
  }));

test('the trace of an opened stream shows the decision that was made, even if the delivery had begun before it became stale', async () => {
  await opening({ notify: true, kind: 'trigger', reason: 'new' });
  expect(drawn.map(({ name }) => name)).toEqual(['deliver', 'decide']);
  expect(drawn[1]?.attributes).toMatchObject({ 'decision.reason': 'new', 'decision.notify': true });
});

test('a silent first decision is drawn where it is recorded', async () => {
  await opening({ notify: false, reason: 'stale', rule: 'staleness' });
  expect(drawn.map(({ name }) => name)).toEqual(['read_stream_state']);
});

test('a route that is too complex is reported once a minute, however many issues it does not match', () => {
  jest.useFakeTimers({ now: 1_000_000 });
  try {
    const reported: string[] = [];
    const note = createDispatchTelemetry().onTooComplex((routeId) => reported.push(routeId));
    for (const routeId of ['r1', 'r1', 'r2', 'r1']) note({ routeId });
    jest.setSystemTime(1_059_999);
    note({ routeId: 'r1' });
    expect(reported).toEqual(['r1', 'r2']);
    jest.setSystemTime(1_060_000);
    note({ routeId: 'r1' });
    expect(reported).toEqual(['r1', 'r2', 'r1']);
  } finally {
    jest.useRealTimers();
  }
});
