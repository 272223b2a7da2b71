CREATE SCHEMA "dispatch";
--> statement-breakpoint
CREATE TABLE "dispatch"."connected_apps" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"provider" text NOT NULL,
	"settings" jsonb NOT NULL,
	"secret_sealed" "bytea" NOT NULL,
	"secret_key_id" text NOT NULL,
	"enabled" boolean DEFAULT true NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "dispatch"."route_connected_apps" (
	"route_id" text NOT NULL,
	"connected_app_id" text NOT NULL,
	CONSTRAINT "route_connected_apps_route_id_connected_app_id_pk" PRIMARY KEY("route_id","connected_app_id")
);
--> statement-breakpoint
CREATE TABLE "dispatch"."routes" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"query" text NOT NULL,
	"enabled" boolean DEFAULT true NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "dispatch"."stream_state" (
	"workflow_id" text PRIMARY KEY NOT NULL,
	"fingerprint" text NOT NULL,
	"route_id" text NOT NULL,
	"connected_app_id" text NOT NULL,
	"status" text NOT NULL,
	"notification_count" integer NOT NULL,
	"last_notified_at" timestamp (3) with time zone,
	"last_position" numeric(20, 0),
	"external_ids" jsonb NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "dispatch"."route_connected_apps" ADD CONSTRAINT "route_connected_apps_route_id_routes_id_fk" FOREIGN KEY ("route_id") REFERENCES "dispatch"."routes"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "dispatch"."route_connected_apps" ADD CONSTRAINT "route_connected_apps_connected_app_id_connected_apps_id_fk" FOREIGN KEY ("connected_app_id") REFERENCES "dispatch"."connected_apps"("id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "connected_apps_name" ON "dispatch"."connected_apps" USING btree ("name");--> statement-breakpoint
CREATE INDEX "route_connected_apps_app" ON "dispatch"."route_connected_apps" USING btree ("connected_app_id");--> statement-breakpoint
CREATE UNIQUE INDEX "routes_name" ON "dispatch"."routes" USING btree ("name");--> statement-breakpoint
CREATE INDEX "stream_state_open" ON "dispatch"."stream_state" USING btree ("connected_app_id") WHERE "dispatch"."stream_state"."status" = 'firing';--> statement-breakpoint
CREATE INDEX "stream_state_fingerprint" ON "dispatch"."stream_state" USING btree ("fingerprint");