import {
  INVALID_TRACEID,
  isValidSpanId,
  isValidTraceId,
  ROOT_CONTEXT,
  trace,
  TraceFlags,
  type Context,
  type Span,
} from '@opentelemetry/api';
import { defaultPayloadConverter, type Headers } from '@temporalio/common';
import { TRACE_HEADER } from '../contract.ts';

/** `00-<trace id>-<span id>-<flags>`, the W3C form. */
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Adds a span's context to workflow headers; a span that is not recorded anywhere adds nothing. */
export function withTraceHeader(headers: Headers, span: Span): Headers {
  const { traceId, spanId, traceFlags } = span.spanContext();
  if (traceId === INVALID_TRACEID || !isValidTraceId(traceId)) return headers;
  const flags = (traceFlags & TraceFlags.SAMPLED) === 0 ? '00' : '01';
  return {
    ...headers,
    [TRACE_HEADER]: defaultPayloadConverter.toPayload(`00-${traceId}-${spanId}-${flags}`),
  };
}

/** Reads the context that a header carries; without one, or with an unreadable one, the root context. */
export function contextOfHeaders(headers: Headers): Context {
  const payload = headers[TRACE_HEADER];
  if (payload === undefined) return ROOT_CONTEXT;
  let text: unknown;
  try {
    text = defaultPayloadConverter.fromPayload(payload);
  } catch {
    return ROOT_CONTEXT;
  }
  const [, traceId, spanId, flags] = (typeof text === 'string' ? TRACEPARENT.exec(text) : null) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return ROOT_CONTEXT;
  if (!isValidTraceId(traceId) || !isValidSpanId(spanId)) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    isRemote: true,
  });
}
