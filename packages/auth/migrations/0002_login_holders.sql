ALTER TABLE "auth"."refresh_families" ADD COLUMN "tenant" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "auth"."refresh_families" ADD COLUMN "member_id" text;--> statement-breakpoint
ALTER TABLE "auth"."refresh_families" ADD COLUMN "key_id" text;--> statement-breakpoint
CREATE INDEX "refresh_families_member" ON "auth"."refresh_families" USING btree ("member_id") WHERE "auth"."refresh_families"."member_id" is not null;--> statement-breakpoint
CREATE INDEX "refresh_families_key" ON "auth"."refresh_families" USING btree ("key_id") WHERE "auth"."refresh_families"."key_id" is not null;