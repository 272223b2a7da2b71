CREATE FUNCTION "codec_audit"."refuse_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'codec_audit.entries is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
--> statement-breakpoint
CREATE TRIGGER "refuse_change" BEFORE UPDATE OR DELETE ON "codec_audit"."entries" FOR EACH ROW EXECUTE FUNCTION "codec_audit"."refuse_change"();
--> statement-breakpoint
CREATE TRIGGER "refuse_truncate" BEFORE TRUNCATE ON "codec_audit"."entries" FOR EACH STATEMENT EXECUTE FUNCTION "codec_audit"."refuse_change"();
--> statement-breakpoint
ALTER TABLE "codec_audit"."entries" ENABLE ALWAYS TRIGGER "refuse_change", ENABLE ALWAYS TRIGGER "refuse_truncate";
--> statement-breakpoint
REVOKE ALL ON "codec_audit"."entries" FROM PUBLIC;
