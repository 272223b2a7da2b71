CREATE TABLE "claims"."condemned" (
	"name" text PRIMARY KEY NOT NULL
);
--> statement-breakpoint
CREATE TABLE "claims"."families" (
	"namespace" text NOT NULL,
	"workflow_id" text NOT NULL,
	"family" text NOT NULL,
	CONSTRAINT "families_namespace_workflow_id_family_pk" PRIMARY KEY("namespace","workflow_id","family")
);
--> statement-breakpoint
CREATE TABLE "claims"."names" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"uploads" bigint DEFAULT 1 NOT NULL,
	CONSTRAINT "names_name_unique" UNIQUE("name")
);
--> statement-breakpoint
CREATE TABLE "claims"."objects" (
	"name" text PRIMARY KEY NOT NULL,
	"data" "bytea" NOT NULL
);
--> statement-breakpoint
ALTER TABLE "claims"."objects" ALTER COLUMN "data" SET STORAGE EXTERNAL;
--> statement-breakpoint
CREATE TABLE "claims"."owners" (
	"namespace" text NOT NULL,
	"workflow_id" text NOT NULL,
	"id" text NOT NULL,
	"uploads" bigint DEFAULT 1 NOT NULL,
	"claimed_at" bigint DEFAULT (extract(epoch from now()) * 1000)::bigint NOT NULL,
	"observed_at" bigint,
	"missing_since" bigint,
	"is_uncertain" boolean DEFAULT false NOT NULL,
	CONSTRAINT "owners_namespace_workflow_id_id_pk" PRIMARY KEY("namespace","workflow_id","id")
);
--> statement-breakpoint
ALTER TABLE "claims"."owners" ADD CONSTRAINT "owners_id_names_id_fk" FOREIGN KEY ("id") REFERENCES "claims"."names"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "owners_id_index" ON "claims"."owners" USING btree ("id");