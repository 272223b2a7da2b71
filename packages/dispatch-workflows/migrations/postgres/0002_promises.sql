CREATE TABLE "dispatch"."stream_backlog" (
	"workflow_id" text PRIMARY KEY NOT NULL,
	"fingerprint" text NOT NULL,
	"route_id" text NOT NULL,
	"connected_app_id" text NOT NULL,
	"signal" jsonb NOT NULL,
	"position" numeric(20, 0) NOT NULL,
	"first_position" numeric(20, 0) NOT NULL,
	"signals" integer DEFAULT 1 NOT NULL,
	"reason" text NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_attempt_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"parked_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "dispatch"."connected_app_health" ADD COLUMN "target_version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "dispatch"."connected_apps" ADD COLUMN "target_version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "dispatch"."delivery_intents" ADD COLUMN "attempt_token" text;--> statement-breakpoint
ALTER TABLE "dispatch"."delivery_intents" ADD COLUMN "body_inputs" jsonb;--> statement-breakpoint
CREATE INDEX "stream_backlog_due" ON "dispatch"."stream_backlog" USING btree ("next_attempt_at");--> statement-breakpoint
CREATE INDEX "stream_backlog_app" ON "dispatch"."stream_backlog" USING btree ("connected_app_id","parked_at");--> statement-breakpoint
CREATE INDEX "stream_backlog_unreachable" ON "dispatch"."stream_backlog" USING btree ("connected_app_id","parked_at") WHERE "dispatch"."stream_backlog"."reason" = 'unreachable';--> statement-breakpoint
CREATE INDEX "stream_backlog_fingerprint" ON "dispatch"."stream_backlog" USING btree ("fingerprint");--> statement-breakpoint
CREATE INDEX "delivery_intents_under_way" ON "dispatch"."delivery_intents" USING btree ("fingerprint") WHERE "dispatch"."delivery_intents"."status" in ('intended', 'refused', 'uncertain');--> statement-breakpoint
CREATE INDEX "ledger_outbox_refused" ON "dispatch"."ledger_outbox" USING btree ("refused_at") WHERE "dispatch"."ledger_outbox"."refused_at" is not null;