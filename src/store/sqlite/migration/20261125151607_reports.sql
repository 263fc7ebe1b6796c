CREATE TABLE `ledger_marks` (
	`chain` text PRIMARY KEY NOT NULL,
	`seq` integer NOT NULL,
	`hashes_seq` integer DEFAULT 0 NOT NULL,
	`removed_before` integer
);
--> statement-breakpoint
DROP INDEX `ledger_entries_user`;--> statement-breakpoint
DROP INDEX `ledger_entries_key`;--> statement-breakpoint
CREATE INDEX `ledger_entries_time` ON `ledger_entries` (`created_at`);--> statement-breakpoint
CREATE INDEX `ledger_entries_user` ON `ledger_entries` (`user_id`,`created_at`);--> statement-breakpoint
CREATE INDEX `ledger_entries_key` ON `ledger_entries` (`api_key_id`,`created_at`);--> statement-breakpoint
DROP TABLE `ledger_rollups`;--> statement-breakpoint
CREATE TABLE `ledger_rollups` (
	`id` text PRIMARY KEY NOT NULL,
	`level` text NOT NULL,
	`started_at` integer NOT NULL,
	`user_id` text NOT NULL,
	`api_key_id` text NOT NULL,
	`tags` text,
	`model_asked` text NOT NULL,
	`model_served` text,
	`provider` text,
	`endpoint` text NOT NULL,
	`status` integer NOT NULL,
	`direction` text NOT NULL,
	`entries` integer NOT NULL,
	`requests` integer NOT NULL,
	`errors` integer NOT NULL,
	`fresh_input_tokens` integer NOT NULL,
	`cache_read_tokens` integer NOT NULL,
	`cache_write_tokens` integer NOT NULL,
	`long_cache_write_tokens` integer NOT NULL,
	`output_tokens` integer NOT NULL,
	`reasoning_tokens` integer NOT NULL,
	`cost_nanos` integer NOT NULL,
	`unpriced_requests` integer NOT NULL,
	`latency_us` integer NOT NULL,
	`ttft_us` integer NOT NULL,
	`ttft_requests` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `ledger_rollups_time` ON `ledger_rollups` (`level`,`started_at`);--> statement-breakpoint
CREATE INDEX `ledger_rollups_user` ON `ledger_rollups` (`user_id`,`level`,`started_at`);--> statement-breakpoint
CREATE INDEX `ledger_rollups_key` ON `ledger_rollups` (`api_key_id`,`level`,`started_at`);