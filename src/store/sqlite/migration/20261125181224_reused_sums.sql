ALTER TABLE `ledger_rollups` ADD `reused_requests` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `ledger_rollups` ADD `saved_tokens` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `ledger_rollups` ADD `saved_cost_nanos` integer DEFAULT 0 NOT NULL;