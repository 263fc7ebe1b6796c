ALTER TABLE "ledger_marks" ADD COLUMN "detail_seq" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ledger_rollups" ADD COLUMN "attempts" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ledger_rollups" ADD COLUMN "latencies" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "ledger_rollups" ADD COLUMN "ttfts" text DEFAULT '' NOT NULL;