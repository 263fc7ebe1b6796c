ALTER TABLE "ledger_rollups" ADD COLUMN "reused_requests" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ledger_rollups" ADD COLUMN "saved_tokens" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ledger_rollups" ADD COLUMN "saved_cost_nanos" bigint DEFAULT 0 NOT NULL;