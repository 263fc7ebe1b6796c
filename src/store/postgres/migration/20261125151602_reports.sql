CREATE TABLE "ledger_marks" (
	"chain" text PRIMARY KEY NOT NULL,
	"seq" bigint NOT NULL,
	"hashes_seq" bigint DEFAULT 0 NOT NULL,
	"removed_before" timestamp (3) with time zone
);
--> statement-breakpoint
DROP INDEX "ledger_entries_user";--> statement-breakpoint
DROP INDEX "ledger_entries_key";--> statement-breakpoint
CREATE INDEX "ledger_entries_time" ON "ledger_entries" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "ledger_entries_user" ON "ledger_entries" USING btree ("user_id","created_at");--> statement-breakpoint
CREATE INDEX "ledger_entries_key" ON "ledger_entries" USING btree ("api_key_id","created_at");--> statement-breakpoint
DROP TABLE "ledger_rollups";--> statement-breakpoint
CREATE TABLE "ledger_rollups" (
	"id" text PRIMARY KEY NOT NULL,
	"level" text NOT NULL,
	"started_at" timestamp (3) with time zone NOT NULL,
	"user_id" text NOT NULL,
	"api_key_id" text NOT NULL,
	"tags" jsonb,
	"model_asked" text NOT NULL,
	"model_served" text,
	"provider" text,
	"endpoint" text NOT NULL,
	"status" integer NOT NULL,
	"direction" text NOT NULL,
	"entries" bigint NOT NULL,
	"requests" bigint NOT NULL,
	"errors" bigint NOT NULL,
	"fresh_input_tokens" bigint NOT NULL,
	"cache_read_tokens" bigint NOT NULL,
	"cache_write_tokens" bigint NOT NULL,
	"long_cache_write_tokens" bigint NOT NULL,
	"output_tokens" bigint NOT NULL,
	"reasoning_tokens" bigint NOT NULL,
	"cost_nanos" bigint NOT NULL,
	"unpriced_requests" bigint NOT NULL,
	"latency_us" bigint NOT NULL,
	"ttft_us" bigint NOT NULL,
	"ttft_requests" bigint NOT NULL
);
--> statement-breakpoint
CREATE INDEX "ledger_rollups_time" ON "ledger_rollups" USING btree ("level","started_at");--> statement-breakpoint
CREATE INDEX "ledger_rollups_user" ON "ledger_rollups" USING btree ("user_id","level","started_at");--> statement-breakpoint
CREATE INDEX "ledger_rollups_key" ON "ledger_rollups" USING btree ("api_key_id","level","started_at");