import { type AnyValue, type Attributes, type HrTime, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';

/** One row of `otel_traces`, by the names of its columns. */
export type SpanRow = Readonly<Record<string, unknown>>;

const KINDS: Readonly<Record<SpanKind, string>> = {
  [SpanKind.INTERNAL]: 'Internal',
  [SpanKind.SERVER]: 'Server',
  [SpanKind.CLIENT]: 'Client',
  [SpanKind.PRODUCER]: 'Producer',
  [SpanKind.CONSUMER]: 'Consumer',
};
const STATUS_CODES: Readonly<Record<SpanStatusCode, string>> = {
  [SpanStatusCode.UNSET]: 'Unset',
  [SpanStatusCode.OK]: 'Ok',
  [SpanStatusCode.ERROR]: 'Error',
};
const NS_PER_SECOND = 1_000_000_000n;

/** Writes a span as the OpenTelemetry Collector's ClickHouse exporter does, for an insert in JSONEachRow. */
export function toSpanRow(span: ReadableSpan): SpanRow {
  const { traceId, spanId, traceState } = span.spanContext();
  const startNs = toNanoseconds(span.startTime);
  const endNs = toNanoseconds(span.endTime);
  const { events, links, resource, instrumentationScope, status } = span;
  return {
    Timestamp: toInstant(span.startTime),
    TraceId: traceId,
    SpanId: spanId,
    ParentSpanId: span.parentSpanContext?.spanId ?? '',
    TraceState: traceState?.serialize() ?? '',
    SpanName: wellFormed(span.name),
    SpanKind: KINDS[span.kind],
    ServiceName: toText(resource.attributes['service.name']),
    ResourceAttributes: toTexts(resource.attributes),
    ScopeName: instrumentationScope.name,
    ScopeVersion: instrumentationScope.version ?? '',
    SpanAttributes: toTexts(span.attributes),
    // The unsigned column has no room for a span that ends before it starts.
    Duration: String(endNs > startNs ? endNs - startNs : 0n),
    StatusCode: STATUS_CODES[status.code],
    StatusMessage: wellFormed(status.message ?? ''),
    'Events.Timestamp': events.map(({ time }) => toInstant(time)),
    'Events.Name': events.map(({ name }) => wellFormed(name)),
    'Events.Attributes': events.map(({ attributes }) => toTexts(attributes)),
    'Links.TraceId': links.map(({ context }) => context.traceId),
    'Links.SpanId': links.map(({ context }) => context.spanId),
    'Links.TraceState': links.map(({ context }) => context.traceState?.serialize() ?? ''),
    'Links.Attributes': links.map(({ attributes }) => toTexts(attributes)),
  };
}

function toTexts(attributes: Attributes | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(attributes ?? {}).map(([key, value]) => [wellFormed(key), toText(value)]),
  );
}

/**
 * Numbers and truth values in JSON's spelling, lists and maps as JSON, bytes as base64; nothing, and a number that JSON
 * lacks, is empty.
 */
function toText(value: AnyValue): string {
  const plain = toJsonValue('', value);
  if (typeof plain === 'string') return plain;
  if (plain === null || (typeof plain === 'number' && !Number.isFinite(plain))) return '';
  return JSON.stringify(plain, toJsonValue) ?? '';
}

function toJsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'string') return wellFormed(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
}

/** UTF-8 has no half of a surrogate pair; ClickHouse refuses the row of one. */
function wellFormed(text: string): string {
  return text.replaceAll(/\p{Surrogate}/gu, '\uFFFD');
}

function toNanoseconds([seconds, nanoseconds]: HrTime): bigint {
  return BigInt(seconds) * NS_PER_SECOND + BigInt(Math.round(nanoseconds));
}

/** ISO with nine digits of a second, which is UTC in any session. */
function toInstant([seconds, nanoseconds]: HrTime): string {
  const second = new Date(seconds * 1000).toISOString().slice(0, 19);
  return `${second}.${String(Math.round(nanoseconds)).padStart(9, '0')}Z`;
}
