CREATE TABLE "dispatch"."connected_app_health" (
	"connected_app_id" text PRIMARY KEY NOT NULL,
	"throttled_until" timestamp (3) with time zone,
	"failing_since" timestamp (3) with time zone,
	"failure_code" text,
	"failure_status" integer,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "dispatch"."delivery_intents" (
	"notification_id" text PRIMARY KEY NOT NULL,
	"workflow_id" text NOT NULL,
	"fingerprint" text NOT NULL,
	"route_id" text NOT NULL,
	"connected_app_id" text NOT NULL,
	"event_id" text NOT NULL,
	"position" numeric(20, 0) NOT NULL,
	"kind" text NOT NULL,
	"reason" text NOT NULL,
	"status" text NOT NULL,
	"found_status" text,
	"claims" integer DEFAULT 1 NOT NULL,
	"was_uncertain" boolean DEFAULT false NOT NULL,
	"provider" text,
	"external_id" text,
	"code" text,
	"decided_at" timestamp (3) with time zone NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "dispatch"."ledger_outbox" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "dispatch"."ledger_outbox_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"rows" jsonb NOT NULL,
	"refused_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "dispatch"."route_history" (
	"revision" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "dispatch"."route_history_revision_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"route_id" text NOT NULL,
	"version" integer NOT NULL,
	"name" text NOT NULL,
	"query" text NOT NULL,
	"enabled" boolean NOT NULL,
	"connected_app_ids" jsonb NOT NULL,
	"renotify_interval_ms" bigint,
	"max_signal_age_ms" bigint NOT NULL,
	"removed" boolean DEFAULT false NOT NULL,
	"changed_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "dispatch"."connected_apps" ADD COLUMN "uncertain_policy" text DEFAULT 'resend-pages' NOT NULL;--> statement-breakpoint
ALTER TABLE "dispatch"."routes" ADD COLUMN "renotify_interval_ms" bigint;--> statement-breakpoint
ALTER TABLE "dispatch"."routes" ADD COLUMN "max_signal_age_ms" bigint DEFAULT 3600000 NOT NULL;--> statement-breakpoint
ALTER TABLE "dispatch"."stream_state" ADD COLUMN "last_seen" text;--> statement-breakpoint
ALTER TABLE "dispatch"."stream_state" ADD COLUMN "episode" numeric(20, 0);--> statement-breakpoint
ALTER TABLE "dispatch"."stream_state" ADD COLUMN "may_be_open" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "dispatch"."stream_state" ADD COLUMN "silence" jsonb;--> statement-breakpoint
ALTER TABLE "dispatch"."connected_app_health" ADD CONSTRAINT "connected_app_health_connected_app_id_connected_apps_id_fk" FOREIGN KEY ("connected_app_id") REFERENCES "dispatch"."connected_apps"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "delivery_intents_unsettled" ON "dispatch"."delivery_intents" USING btree ("updated_at") WHERE "dispatch"."delivery_intents"."status" in ('intended', 'refused', 'uncertain');--> statement-breakpoint
CREATE INDEX "delivery_intents_age" ON "dispatch"."delivery_intents" USING brin ("created_at");--> statement-breakpoint
CREATE INDEX "route_history_route" ON "dispatch"."route_history" USING btree ("route_id","revision");--> statement-breakpoint
CREATE INDEX "stream_state_owing" ON "dispatch"."stream_state" USING btree ("last_position","workflow_id") WHERE "dispatch"."stream_state"."status" = 'firing' or "dispatch"."stream_state"."may_be_open";
--> statement-breakpoint
INSERT INTO "dispatch"."route_history" ("route_id", "version", "name", "query", "enabled", "connected_app_ids", "max_signal_age_ms")
SELECT r."id", r."version", r."name", r."query", r."enabled",
  coalesce((SELECT jsonb_agg(l."connected_app_id" ORDER BY l."connected_app_id") FROM "dispatch"."route_connected_apps" l WHERE l."route_id" = r."id"), '[]'),
  r."max_signal_age_ms"
FROM "dispatch"."routes" r ORDER BY r."id";
