import { describe, expect, test } from '@jest/globals';
import { ROOT_CONTEXT, trace, TraceFlags } from '@opentelemetry/api';
import { defaultPayloadConverter, type Headers } from '@temporalio/common';
import fc from 'fast-check';
import { TRACE_HEADER } from '../contract.ts';
import { contextOfHeaders, withTraceHeader } from './trace-context.ts';

const hex = (length: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'.split('')), { minLength: length, maxLength: length })
    .map((digits) => digits.join(''))
    .filter((text) => !/^0+$/.test(text));
const headerOf = (value: unknown): Headers => ({ [TRACE_HEADER]: defaultPayloadConverter.toPayload(value) });

describe('a trace header', () => {
  test('brings any span context over, as remote', () => {
    fc.assert(
      fc.property(hex(32), hex(16), fc.boolean(), (traceId, spanId, sampled) => {
        const traceFlags = sampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
        const headers = withTraceHeader({}, trace.wrapSpanContext({ traceId, spanId, traceFlags }));
        expect(trace.getSpanContext(contextOfHeaders(headers))).toEqual({
          traceId,
          spanId,
          traceFlags,
          isRemote: true,
        });
      }),
    );
  });

  test('is not there for a span that is recorded nowhere, and others stay', () => {
    const other = headerOf('x')[TRACE_HEADER] ?? {};
    const invalid = trace.wrapSpanContext({ traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 });
    expect(withTraceHeader({ other }, invalid)).toEqual({ other });
    const valid = trace.wrapSpanContext({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 });
    expect(Object.keys(withTraceHeader({ other }, valid)).toSorted()).toEqual([TRACE_HEADER, 'other']);
  });

  test.each<[string, Headers]>([
    ['that is missing', {}],
    ['of another type', headerOf(7)],
    ['of null', headerOf(null)],
    ['of nonsense', headerOf('nonsense')],
    ['of another version', headerOf(`01-${'a'.repeat(32)}-${'b'.repeat(16)}-01`)],
    ['of zeros', headerOf(`00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`)],
    ['of a zero span', headerOf(`00-${'a'.repeat(32)}-${'0'.repeat(16)}-01`)],
    ['in capitals', headerOf(`00-${'A'.repeat(32)}-${'b'.repeat(16)}-01`)],
    ['that no converter reads', { [TRACE_HEADER]: { metadata: {}, data: new Uint8Array([1, 2]) } }],
  ])('%s gives the root context', (_, headers) => {
    expect(contextOfHeaders(headers)).toBe(ROOT_CONTEXT);
  });

  test('never makes anything throw', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(contextOfHeaders(headerOf(value))).toBeDefined();
      }),
    );
  });
});
