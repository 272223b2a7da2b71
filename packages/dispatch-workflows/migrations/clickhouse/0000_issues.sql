CREATE TABLE IF NOT EXISTS issues
(
    `position` UInt64 DEFAULT generateSnowflakeID() COMMENT 'order of insertion: milliseconds above bit 22',
    `event_id` String,
    `monitor` LowCardinality(String),
    `fingerprint` String,
    `status` Enum8('firing' = 1, 'resolved' = 2, 'suppressed' = 3),
    `severity` LowCardinality(String),
    `labels` Map(LowCardinality(String), String),
    `annotations` Map(LowCardinality(String), String),
    `starts_at` DateTime64(3, 'UTC'),
    `ends_at` Nullable(DateTime64(3, 'UTC')),
    `stored_at` DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    INDEX issues_fingerprint fingerprint TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(stored_at)
ORDER BY (position, event_id)
TTL toDateTime(stored_at) + INTERVAL 90 DAY
SETTINGS non_replicated_deduplication_window = 1000, index_granularity = 1024
