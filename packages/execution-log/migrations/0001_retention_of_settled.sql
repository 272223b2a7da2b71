ALTER TABLE "execution_log"."executions" ADD COLUMN "keep_ms" bigint DEFAULT 7776000000 NOT NULL;--> statement-breakpoint
UPDATE "execution_log"."executions" SET "keep_ms" = greatest("keep_ms", (extract(epoch from "keep_until" - "started_at") * 1000)::bigint) WHERE "state" = 'started';
