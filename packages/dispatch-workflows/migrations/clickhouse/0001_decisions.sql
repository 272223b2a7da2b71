CREATE TABLE IF NOT EXISTS decision_ledger
(
    `id` String COMMENT 'the same entry written twice has the same id',
    `at` DateTime64(3, 'UTC'),
    `stage` Enum8('seen' = 1, 'matched' = 2, 'decided' = 3, 'attempted' = 4, 'settled' = 5),
    `fingerprint` String,
    `event_id` String,
    `position` UInt64,
    `route_id` LowCardinality(String),
    `connected_app_id` LowCardinality(String),
    `config_version` UInt64 COMMENT 'seen: revision of all routes, else: version of the route',
    `reason` LowCardinality(String),
    `clause` String COMMENT 'matched: the part of the query that was true',
    `notification_id` String,
    `kind` LowCardinality(String),
    `outcome` LowCardinality(String),
    `code` LowCardinality(String),
    `status` UInt16 COMMENT 'HTTP status of an attempt; 0 where there was none',
    `attempt` UInt32,
    `duration_ms` Float64,
    `wait_ms` Float64,
    `provider` LowCardinality(String),
    `external_id` String,
    `apps` Array(String) COMMENT 'matched: connected apps that were signalled'
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(at)
ORDER BY (fingerprint, position, stage, route_id, connected_app_id)
TTL toDateTime(at) + INTERVAL 90 DAY
SETTINGS non_replicated_deduplication_window = 1000, index_granularity = 1024
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS decision_runs
(
    `fingerprint` String,
    `route_id` LowCardinality(String),
    `connected_app_id` LowCardinality(String),
    `reason` LowCardinality(String),
    `config_version` UInt64,
    `since` UInt64 COMMENT 'position of the first of consecutive decisions that were alike',
    `first_position` SimpleAggregateFunction(min, UInt64),
    `last_position` SimpleAggregateFunction(max, UInt64),
    `first_at` SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    `last_at` SimpleAggregateFunction(max, DateTime64(3, 'UTC')),
    `count` SimpleAggregateFunction(sum, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(fromUnixTimestamp64Milli(toInt64(bitShiftRight(since, 22))))
ORDER BY (fingerprint, route_id, connected_app_id, since, reason, config_version)
TTL toDateTime(last_at) + INTERVAL 90 DAY
SETTINGS non_replicated_deduplication_window = 1000, index_granularity = 1024
