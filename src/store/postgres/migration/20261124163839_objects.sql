CREATE TABLE "object_bindings" (
	"id" text PRIMARY KEY NOT NULL,
	"object_id" text NOT NULL,
	"provider" text NOT NULL,
	"user_id" text NOT NULL,
	"family" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "stored_responses" (
	"id" text PRIMARY KEY NOT NULL,
	"user_id" text NOT NULL,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"previous_id" text,
	"is_upstream" boolean NOT NULL,
	"input" jsonb NOT NULL,
	"body" jsonb,
	"bytes" bigint NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "strict" boolean DEFAULT false NOT NULL;--> statement-breakpoint
CREATE INDEX "object_bindings_object" ON "object_bindings" USING btree ("object_id");--> statement-breakpoint
CREATE INDEX "object_bindings_user" ON "object_bindings" USING btree ("user_id","family");--> statement-breakpoint
CREATE INDEX "stored_responses_user" ON "stored_responses" USING btree ("user_id","created_at");--> statement-breakpoint
CREATE INDEX "stored_responses_expiry" ON "stored_responses" USING btree ("expires_at");