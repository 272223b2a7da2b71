DROP INDEX "auth"."api_keys_name";--> statement-breakpoint
ALTER TABLE "auth"."api_keys" ADD COLUMN "name_freed_at" timestamp (3) with time zone;--> statement-breakpoint
CREATE UNIQUE INDEX "api_keys_name" ON "auth"."api_keys" USING btree ("tenant","name") WHERE "auth"."api_keys"."revoked_at" is null and "auth"."api_keys"."name_freed_at" is null;