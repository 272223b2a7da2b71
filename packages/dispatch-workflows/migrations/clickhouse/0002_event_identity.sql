ALTER TABLE issues ADD COLUMN IF NOT EXISTS `event_hash` UInt64 DEFAULT 0 COMMENT 'content as it was reported with its event id; 0: written past the API or before this column'
--> statement-breakpoint
ALTER TABLE issues ADD PROJECTION IF NOT EXISTS issues_by_event (SELECT event_id, position, event_hash ORDER BY event_id)
--> statement-breakpoint
ALTER TABLE issues MATERIALIZE PROJECTION IF EXISTS issues_by_event
