CREATE TABLE "stored_items" (
	"id" text PRIMARY KEY NOT NULL,
	"response_id" text NOT NULL
);
--> statement-breakpoint
DROP INDEX "stored_responses_user";--> statement-breakpoint
DROP INDEX "stored_responses_expiry";--> statement-breakpoint
ALTER TABLE "stored_responses" ALTER COLUMN "input" SET DATA TYPE text;--> statement-breakpoint
ALTER TABLE "stored_responses" ALTER COLUMN "body" SET DATA TYPE text;--> statement-breakpoint
ALTER TABLE "stored_responses" ALTER COLUMN "body" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "stored_responses" ADD COLUMN "lease_until" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "stored_items" ADD CONSTRAINT "stored_items_response_id_stored_responses_id_fk" FOREIGN KEY ("response_id") REFERENCES "stored_responses"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "stored_items_response" ON "stored_items" USING btree ("response_id");--> statement-breakpoint
CREATE INDEX "stored_responses_owner" ON "stored_responses" USING btree ("user_id","created_at","bytes");--> statement-breakpoint
CREATE INDEX "stored_responses_age" ON "stored_responses" USING btree ("expires_at","bytes");