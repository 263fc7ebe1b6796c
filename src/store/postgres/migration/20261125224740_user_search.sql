CREATE INDEX "users_role" ON "users" USING btree ("role","id") WHERE "users"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "users_role_status" ON "users" USING btree ("role","status","id") WHERE "users"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "users_search" ON "users" USING btree ("email" text_pattern_ops,"role","status") WHERE "users"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "users_status" ON "users" USING btree ("status","id") WHERE "users"."deleted_at" is null;