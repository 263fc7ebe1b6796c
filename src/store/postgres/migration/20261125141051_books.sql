CREATE TABLE "budget_grants" (
	"id" text PRIMARY KEY NOT NULL,
	"budget_id" text NOT NULL,
	"window_start" timestamp (3) with time zone NOT NULL,
	"holder" text NOT NULL,
	"granted" bigint NOT NULL,
	"spent" bigint NOT NULL,
	"lease_until" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "budgets" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"scope" text NOT NULL,
	"subject" text NOT NULL,
	"unit" text NOT NULL,
	"amount" bigint NOT NULL,
	"period" text NOT NULL,
	"time_zone" text NOT NULL,
	"mode" text NOT NULL,
	"alerts" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"deleted_at" timestamp (3) with time zone,
	"revision" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "ledger_chains" (
	"chain" text PRIMARY KEY NOT NULL,
	"slot" integer NOT NULL,
	"key_id" text NOT NULL,
	"public_key" text NOT NULL,
	"seq" bigint NOT NULL,
	"hash" text NOT NULL,
	"started_at" timestamp (3) with time zone NOT NULL,
	"continues" text
);
--> statement-breakpoint
CREATE TABLE "ledger_heads" (
	"id" text PRIMARY KEY NOT NULL,
	"chain" text NOT NULL,
	"seq" bigint NOT NULL,
	"hash" text NOT NULL,
	"reason" text NOT NULL,
	"signed_at" timestamp (3) with time zone NOT NULL,
	"public_key" text NOT NULL,
	"signature" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "ledger_intents" (
	"number" bigint PRIMARY KEY NOT NULL,
	"chain" text NOT NULL,
	"body" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "ledger_payloads" (
	"entry_id" text PRIMARY KEY NOT NULL,
	"user_id" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"request" text,
	"response" text
);
--> statement-breakpoint
CREATE TABLE "ledger_recounts" (
	"entry_id" text PRIMARY KEY NOT NULL,
	"chain" text,
	"seq" bigint,
	"hash" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"state" text NOT NULL,
	"reason" text,
	"method" text,
	"tokenizer" text,
	"tokenizer_version" text,
	"input_tokens" bigint,
	"input_low" bigint,
	"input_high" bigint,
	"output_tokens" bigint,
	"output_low" bigint,
	"output_high" bigint,
	"verdict" text
);
--> statement-breakpoint
CREATE TABLE "ledger_rollups" (
	"id" text PRIMARY KEY NOT NULL,
	"started_at" timestamp (3) with time zone NOT NULL,
	"user_id" text NOT NULL,
	"api_key_id" text NOT NULL,
	"tags" text NOT NULL,
	"model_asked" text NOT NULL,
	"model_served" text NOT NULL,
	"provider" text NOT NULL,
	"endpoint" text NOT NULL,
	"status" integer NOT NULL,
	"direction" text NOT NULL,
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
	"latency_ms" double precision NOT NULL,
	"ttft_ms" double precision NOT NULL,
	"ttft_requests" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD COLUMN "chain" text;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD COLUMN "seq" bigint;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD COLUMN "hash" text;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD COLUMN "kind" text DEFAULT 'call' NOT NULL;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD COLUMN "corrects" text;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD COLUMN "reason" text;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD COLUMN "prices_unknown" boolean;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD COLUMN "tags" jsonb;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD COLUMN "long_cache_write_tokens" bigint;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD COLUMN "service_tier" text;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD COLUMN "price_id" text;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD COLUMN "price_date" text;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD COLUMN "payload_digest" text;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD COLUMN "request_hash" text;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD COLUMN "response_hash" text;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD COLUMN "payload_salt" text;--> statement-breakpoint
ALTER TABLE "object_bindings" ADD COLUMN "booked_at" timestamp (3) with time zone;--> statement-breakpoint
CREATE INDEX "budget_grants_window" ON "budget_grants" USING btree ("budget_id","window_start");--> statement-breakpoint
CREATE INDEX "budgets_revision" ON "budgets" USING btree ("revision");--> statement-breakpoint
CREATE INDEX "ledger_heads_chain" ON "ledger_heads" USING btree ("chain","seq");--> statement-breakpoint
CREATE INDEX "ledger_payloads_age" ON "ledger_payloads" USING btree ("created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "ledger_recounts_chain" ON "ledger_recounts" USING btree ("chain","seq");--> statement-breakpoint
CREATE INDEX "ledger_rollups_time" ON "ledger_rollups" USING btree ("started_at");--> statement-breakpoint
CREATE UNIQUE INDEX "ledger_entries_chain" ON "ledger_entries" USING btree ("chain","seq");--> statement-breakpoint
CREATE INDEX "ledger_entries_corrects" ON "ledger_entries" USING btree ("corrects") WHERE "ledger_entries"."corrects" is not null;