ALTER TABLE "object_bindings" ADD COLUMN "key_id" text;--> statement-breakpoint
ALTER TABLE "object_bindings" ADD COLUMN "tags" jsonb;--> statement-breakpoint
CREATE INDEX "object_bindings_family" ON "object_bindings" USING btree ("family","created_at");