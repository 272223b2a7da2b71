CREATE SCHEMA "auth";
--> statement-breakpoint
CREATE TABLE "auth"."api_keys" (
	"id" text PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"name" text NOT NULL,
	"prefix" text NOT NULL,
	"digest" "bytea" NOT NULL,
	"scopes" text[] NOT NULL,
	"roles" text[] NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone,
	"revoked_at" timestamp (3) with time zone,
	"last_used_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "auth"."member_roles" (
	"member_id" text NOT NULL,
	"tenant" text NOT NULL,
	"role" text NOT NULL,
	CONSTRAINT "member_roles_member_id_role_pk" PRIMARY KEY("member_id","role")
);
--> statement-breakpoint
CREATE TABLE "auth"."members" (
	"id" text PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"issuer" text NOT NULL,
	"subject" text NOT NULL,
	"name" text,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "auth"."nonces" (
	"purpose" text NOT NULL,
	"digest" "bytea" NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"used_at" timestamp (3) with time zone,
	CONSTRAINT "nonces_purpose_digest_pk" PRIMARY KEY("purpose","digest")
);
--> statement-breakpoint
CREATE TABLE "auth"."refresh_families" (
	"id" text PRIMARY KEY NOT NULL,
	"principal_id" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"revoked_at" timestamp (3) with time zone,
	"revoked_for" text
);
--> statement-breakpoint
CREATE TABLE "auth"."refresh_tokens" (
	"digest" "bytea" PRIMARY KEY NOT NULL,
	"family_id" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"used_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "auth"."roles" (
	"tenant" text NOT NULL,
	"name" text NOT NULL,
	"scopes" text[] NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "roles_tenant_name_pk" PRIMARY KEY("tenant","name")
);
--> statement-breakpoint
ALTER TABLE "auth"."member_roles" ADD CONSTRAINT "member_roles_member_id_members_id_fk" FOREIGN KEY ("member_id") REFERENCES "auth"."members"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "auth"."member_roles" ADD CONSTRAINT "member_roles_role" FOREIGN KEY ("tenant","role") REFERENCES "auth"."roles"("tenant","name") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "auth"."refresh_tokens" ADD CONSTRAINT "refresh_tokens_family_id_refresh_families_id_fk" FOREIGN KEY ("family_id") REFERENCES "auth"."refresh_families"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "api_keys_prefix" ON "auth"."api_keys" USING btree ("prefix");--> statement-breakpoint
CREATE UNIQUE INDEX "api_keys_name" ON "auth"."api_keys" USING btree ("tenant","name") WHERE "auth"."api_keys"."revoked_at" is null;--> statement-breakpoint
CREATE INDEX "member_roles_tenant" ON "auth"."member_roles" USING btree ("tenant","role");--> statement-breakpoint
CREATE UNIQUE INDEX "members_subject" ON "auth"."members" USING btree ("tenant","issuer","subject");--> statement-breakpoint
CREATE INDEX "nonces_expiry" ON "auth"."nonces" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "refresh_families_principal" ON "auth"."refresh_families" USING btree ("principal_id");--> statement-breakpoint
CREATE INDEX "refresh_families_expiry" ON "auth"."refresh_families" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "refresh_tokens_family" ON "auth"."refresh_tokens" USING btree ("family_id");