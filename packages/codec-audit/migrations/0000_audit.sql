CREATE SCHEMA "codec_audit";
--> statement-breakpoint
CREATE TABLE "codec_audit"."entries" (
	"sequence" bigint PRIMARY KEY NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"request_id" text NOT NULL,
	"subject" text,
	"action" text NOT NULL,
	"namespace" text,
	"domain" text,
	"key_id" text,
	"count" bigint NOT NULL,
	"outcome" text NOT NULL,
	"reason" text,
	"previous_hash" "bytea" NOT NULL,
	"hash" "bytea" NOT NULL,
	CONSTRAINT "entries_hash_length" CHECK (octet_length("codec_audit"."entries"."previous_hash") = 32 and octet_length("codec_audit"."entries"."hash") = 32)
);
--> statement-breakpoint
CREATE INDEX "entries_at" ON "codec_audit"."entries" USING btree ("at");--> statement-breakpoint
CREATE INDEX "entries_subject" ON "codec_audit"."entries" USING btree ("subject","sequence");--> statement-breakpoint
CREATE INDEX "entries_namespace" ON "codec_audit"."entries" USING btree ("namespace","domain","sequence");