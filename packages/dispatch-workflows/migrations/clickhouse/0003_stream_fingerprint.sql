ALTER TABLE issues ADD COLUMN IF NOT EXISTS `stream_fingerprint` String MATERIALIZED if(match(fingerprint, '\\A[a-z0-9]{1,64}\\z'), fingerprint, lower(hex(SHA256(fingerprint)))) COMMENT 'the fingerprint of alert streams: as reported where it fits into an id, else its SHA-256; the only one to compare'
--> statement-breakpoint
ALTER TABLE issues ADD INDEX IF NOT EXISTS issues_stream_fingerprint stream_fingerprint TYPE bloom_filter(0.01) GRANULARITY 4
--> statement-breakpoint
ALTER TABLE issues MATERIALIZE COLUMN stream_fingerprint
--> statement-breakpoint
ALTER TABLE issues MATERIALIZE INDEX IF EXISTS issues_stream_fingerprint
