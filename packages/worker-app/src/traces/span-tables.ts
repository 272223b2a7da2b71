const KEEP_DAYS = 30;
const ATTRIBUTES = 'Map(LowCardinality(String), String)';
const ONE_WORD = "text(tokenizer = 'array')";

/** The table that holds a row per span. */
export const SPAN_TABLE = 'otel_traces';

/**
 * Lists the statements that create the tables of traces where they are missing, in their order.
 *
 * They have the form of the OpenTelemetry Collector's ClickHouse exporter on a server with text indexes, so that the
 * same queries work on the embedded stack and in production.
 */
export function createSpanTables(): readonly string[] {
  return [
    `create table if not exists ${SPAN_TABLE} (
      Timestamp DateTime64(9) codec(Delta(8), ZSTD(1)),
      ${columns('String', ['TraceId', 'SpanId', 'ParentSpanId', 'TraceState'])},
      ${columns('LowCardinality(String)', ['SpanName', 'SpanKind', 'ServiceName'])},
      ${columns(ATTRIBUTES, ['ResourceAttributes'])},
      ${columns('String', ['ScopeName', 'ScopeVersion'])},
      ${columns(ATTRIBUTES, ['SpanAttributes'])},
      Duration UInt64 codec(T64, ZSTD(1)),
      ${columns('LowCardinality(String)', ['StatusCode'])},
      ${columns('String', ['StatusMessage'])},
      Events Nested (Timestamp DateTime64(9), Name LowCardinality(String), Attributes ${ATTRIBUTES}) codec(ZSTD(1)),
      Links Nested (TraceId String, SpanId String, TraceState String, Attributes ${ATTRIBUTES}) codec(ZSTD(1)),
      ResourceAttributeItems Array(String) alias ${items('ResourceAttributes')},
      SpanAttributeItems Array(String) alias ${items('SpanAttributes')},
      index idx_trace_id TraceId type ${ONE_WORD},
      index idx_res_attr_key mapKeys(ResourceAttributes) type ${ONE_WORD},
      index idx_res_attr_items ResourceAttributeItems type ${ONE_WORD},
      index idx_span_attr_key mapKeys(SpanAttributes) type ${ONE_WORD},
      index idx_span_attr_items SpanAttributeItems type ${ONE_WORD},
      index idx_duration Duration type minmax granularity 1,
      index idx_lower_span_name lower(SpanName) type tokenbf_v1(32768, 3, 0) granularity 8
    ) engine = MergeTree
    partition by toDate(Timestamp)
    primary key (ServiceName, SpanName, toDateTime(Timestamp))
    order by (ServiceName, SpanName, toDateTime(Timestamp), Timestamp)
    ttl toDateTime(Timestamp) + toIntervalDay(${KEEP_DAYS})
    settings index_granularity = 8192, ttl_only_drop_parts = 1`,
    `create table if not exists ${SPAN_TABLE}_trace_id_ts (
      TraceId String codec(ZSTD(1)),
      Start SimpleAggregateFunction(min, DateTime) codec(ZSTD(1)),
      End SimpleAggregateFunction(max, DateTime) codec(ZSTD(1))
    ) engine = AggregatingMergeTree
    partition by toStartOfWeek(Start)
    order by TraceId
    ttl toDateTime(Start) + toIntervalDay(${KEEP_DAYS})
    settings index_granularity = 8192, ttl_only_drop_parts = 1`,
    `create materialized view if not exists ${SPAN_TABLE}_trace_id_ts_mv to ${SPAN_TABLE}_trace_id_ts as
    select TraceId, min(Timestamp) as Start, max(Timestamp) as End
    from ${SPAN_TABLE} where TraceId != '' group by TraceId`,
  ];
}

function columns(type: string, names: readonly string[]): string {
  return names.map((name) => `${name} ${type} codec(ZSTD(1))`).join(', ');
}

function items(column: string): string {
  return `arrayMap(kv -> concat(kv.1, '=', kv.2), CAST(${column}, 'Array(Tuple(String, String))'))`;
}
