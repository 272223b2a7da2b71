CREATE SCHEMA "execution_log";
--> statement-breakpoint
CREATE SEQUENCE "execution_log"."fences" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1;--> statement-breakpoint
CREATE TABLE "execution_log"."executions" (
	"key" text PRIMARY KEY NOT NULL,
	"state" text NOT NULL,
	"fence" bigint NOT NULL,
	"request" "bytea",
	"started_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"leased_until" timestamp (3) with time zone NOT NULL,
	"done_at" timestamp (3) with time zone,
	"result" text,
	"result_problem" text,
	"overran_at" timestamp (3) with time zone,
	"keep_until" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE INDEX "executions_expiry" ON "execution_log"."executions" USING btree ("keep_until") WHERE "execution_log"."executions"."state" = 'done';--> statement-breakpoint
CREATE INDEX "executions_in_doubt" ON "execution_log"."executions" USING btree ("leased_until") WHERE "execution_log"."executions"."state" = 'started';