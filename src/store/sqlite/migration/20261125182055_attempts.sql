ALTER TABLE `ledger_marks` ADD `detail_seq` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `ledger_rollups` ADD `attempts` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `ledger_rollups` ADD `latencies` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `ledger_rollups` ADD `ttfts` text DEFAULT '' NOT NULL;