import { quoteName } from '../clickhouse-front/statement.js';

/** The columns of a row as `span-rows.js` writes it, in this order. */
const COLUMNS = [
  'Timestamp',
  'TraceId',
  'SpanId',
  'ParentSpanId',
  'TraceState',
  'SpanName',
  'SpanKind',
  'ServiceName',
  'ResourceAttributes',
  'ScopeName',
  'ScopeVersion',
  'SpanAttributes',
  'Duration',
  'StatusCode',
  'StatusMessage',
  'Events.Timestamp',
  'Events.Name',
  'Events.Attributes',
  'Links.TraceId',
  'Links.SpanId',
  'Links.TraceState',
  'Links.Attributes',
];

const KEEP_DAYS = 30;
const ATTRIBUTES = 'Map(LowCardinality(String), String)';
const ONE_WORD = "text(tokenizer = 'array')";

/**
 * Gives the statements that create the database and the tables of traces where they are missing, in their order.
 *
 * They have the form of the ClickHouse exporter of the OpenTelemetry Collector for a server with text indexes, so that
 * what is asked here is asked of a production's collector in the same words.
 * @param {string} database
 * @returns {readonly string[]}
 */
export function createStatements(database) {
  const spans = tableName(database, 'otel_traces');
  const lookup = tableName(database, 'otel_traces_trace_id_ts');
  const view = tableName(database, 'otel_traces_trace_id_ts_mv');
  return [
    `create database if not exists ${quoteName(database)}`,
    `create table if not exists ${spans} (
      Timestamp DateTime64(9) codec(Delta(8), ZSTD(1)),
      ${plain('String', ['TraceId', 'SpanId', 'ParentSpanId', 'TraceState'])},
      ${plain('LowCardinality(String)', ['SpanName', 'SpanKind', 'ServiceName'])},
      ${plain(ATTRIBUTES, ['ResourceAttributes'])},
      ${plain('String', ['ScopeName', 'ScopeVersion'])},
      ${plain(ATTRIBUTES, ['SpanAttributes'])},
      Duration UInt64 codec(T64, ZSTD(1)),
      ${plain('LowCardinality(String)', ['StatusCode'])},
      ${plain('String', ['StatusMessage'])},
      Events Nested (Timestamp DateTime64(9), Name LowCardinality(String), Attributes ${ATTRIBUTES}) codec(ZSTD(1)),
      Links Nested (TraceId String, SpanId String, TraceState String, Attributes ${ATTRIBUTES}) codec(ZSTD(1)),
      ResourceAttributeItems Array(String) alias ${itemsOf('ResourceAttributes')},
      SpanAttributeItems Array(String) alias ${itemsOf('SpanAttributes')},
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
    `create table if not exists ${lookup} (
      TraceId String codec(ZSTD(1)),
      Start SimpleAggregateFunction(min, DateTime) codec(ZSTD(1)),
      End SimpleAggregateFunction(max, DateTime) codec(ZSTD(1))
    ) engine = AggregatingMergeTree
    partition by toStartOfWeek(Start)
    order by TraceId
    ttl toDateTime(Start) + toIntervalDay(${KEEP_DAYS})
    settings index_granularity = 8192, ttl_only_drop_parts = 1`,
    `create materialized view if not exists ${view} to ${lookup} as
    select TraceId, min(Timestamp) as Start, max(Timestamp) as End
    from ${spans} where TraceId != '' group by TraceId`,
  ];
}

/**
 * Gives the statement whose body is rows of `span-rows.js`.
 * @param {string} database
 */
export function insertStatement(database) {
  const columns = COLUMNS.map((name) => quoteName(name)).join(', ');
  return `insert into ${tableName(database, 'otel_traces')} (${columns}) format JSONCompactEachRow`;
}

/**
 * @param {string} database
 * @param {string} table
 */
function tableName(database, table) {
  return `${quoteName(database)}.${quoteName(table)}`;
}

/**
 * @param {string} type
 * @param {readonly string[]} names
 */
function plain(type, names) {
  return names.map((name) => `${name} ${type} codec(ZSTD(1))`).join(', ');
}

/** @param {string} column */
function itemsOf(column) {
  return `arrayMap(kv -> concat(kv.1, '=', kv.2), CAST(${column}, 'Array(Tuple(String, String))'))`;
}
