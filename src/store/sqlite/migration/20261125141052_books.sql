CREATE TABLE `budget_grants` (
	`id` text PRIMARY KEY NOT NULL,
	`budget_id` text NOT NULL,
	`window_start` integer NOT NULL,
	`holder` text NOT NULL,
	`granted` integer NOT NULL,
	`spent` integer NOT NULL,
	`lease_until` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `budget_grants_window` ON `budget_grants` (`budget_id`,`window_start`);--> statement-breakpoint
CREATE TABLE `budgets` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`scope` text NOT NULL,
	`subject` text NOT NULL,
	`unit` text NOT NULL,
	`amount` integer NOT NULL,
	`period` text NOT NULL,
	`time_zone` text NOT NULL,
	`mode` text NOT NULL,
	`alerts` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`deleted_at` integer,
	`revision` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `budgets_revision` ON `budgets` (`revision`);--> statement-breakpoint
CREATE TABLE `ledger_chains` (
	`chain` text PRIMARY KEY NOT NULL,
	`slot` integer NOT NULL,
	`key_id` text NOT NULL,
	`public_key` text NOT NULL,
	`seq` integer NOT NULL,
	`hash` text NOT NULL,
	`started_at` integer NOT NULL,
	`continues` text
);
--> statement-breakpoint
CREATE TABLE `ledger_heads` (
	`id` text PRIMARY KEY NOT NULL,
	`chain` text NOT NULL,
	`seq` integer NOT NULL,
	`hash` text NOT NULL,
	`reason` text NOT NULL,
	`signed_at` integer NOT NULL,
	`public_key` text NOT NULL,
	`signature` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `ledger_heads_chain` ON `ledger_heads` (`chain`,`seq`);--> statement-breakpoint
CREATE TABLE `ledger_intents` (
	`number` integer PRIMARY KEY NOT NULL,
	`chain` text NOT NULL,
	`body` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `ledger_payloads` (
	`entry_id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`created_at` integer NOT NULL,
	`request` text,
	`response` text
);
--> statement-breakpoint
CREATE INDEX `ledger_payloads_age` ON `ledger_payloads` (`created_at`);--> statement-breakpoint
CREATE TABLE `ledger_recounts` (
	`entry_id` text PRIMARY KEY NOT NULL,
	`chain` text,
	`seq` integer,
	`hash` text,
	`created_at` integer NOT NULL,
	`state` text NOT NULL,
	`reason` text,
	`method` text,
	`tokenizer` text,
	`tokenizer_version` text,
	`input_tokens` integer,
	`input_low` integer,
	`input_high` integer,
	`output_tokens` integer,
	`output_low` integer,
	`output_high` integer,
	`verdict` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `ledger_recounts_chain` ON `ledger_recounts` (`chain`,`seq`);--> statement-breakpoint
CREATE TABLE `ledger_rollups` (
	`id` text PRIMARY KEY NOT NULL,
	`started_at` integer NOT NULL,
	`user_id` text NOT NULL,
	`api_key_id` text NOT NULL,
	`tags` text NOT NULL,
	`model_asked` text NOT NULL,
	`model_served` text NOT NULL,
	`provider` text NOT NULL,
	`endpoint` text NOT NULL,
	`status` integer NOT NULL,
	`direction` text NOT NULL,
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
	`latency_ms` real NOT NULL,
	`ttft_ms` real NOT NULL,
	`ttft_requests` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `ledger_rollups_time` ON `ledger_rollups` (`started_at`);--> statement-breakpoint
ALTER TABLE `ledger_entries` ADD `chain` text;--> statement-breakpoint
ALTER TABLE `ledger_entries` ADD `seq` integer;--> statement-breakpoint
ALTER TABLE `ledger_entries` ADD `hash` text;--> statement-breakpoint
ALTER TABLE `ledger_entries` ADD `kind` text DEFAULT 'call' NOT NULL;--> statement-breakpoint
ALTER TABLE `ledger_entries` ADD `corrects` text;--> statement-breakpoint
ALTER TABLE `ledger_entries` ADD `reason` text;--> statement-breakpoint
ALTER TABLE `ledger_entries` ADD `prices_unknown` integer;--> statement-breakpoint
ALTER TABLE `ledger_entries` ADD `tags` text;--> statement-breakpoint
ALTER TABLE `ledger_entries` ADD `long_cache_write_tokens` integer;--> statement-breakpoint
ALTER TABLE `ledger_entries` ADD `service_tier` text;--> statement-breakpoint
ALTER TABLE `ledger_entries` ADD `price_id` text;--> statement-breakpoint
ALTER TABLE `ledger_entries` ADD `price_date` text;--> statement-breakpoint
ALTER TABLE `ledger_entries` ADD `payload_digest` text;--> statement-breakpoint
ALTER TABLE `ledger_entries` ADD `request_hash` text;--> statement-breakpoint
ALTER TABLE `ledger_entries` ADD `response_hash` text;--> statement-breakpoint
ALTER TABLE `ledger_entries` ADD `payload_salt` text;--> statement-breakpoint
CREATE UNIQUE INDEX `ledger_entries_chain` ON `ledger_entries` (`chain`,`seq`);--> statement-breakpoint
CREATE INDEX `ledger_entries_corrects` ON `ledger_entries` (`corrects`) WHERE "ledger_entries"."corrects" is not null;--> statement-breakpoint
ALTER TABLE `object_bindings` ADD `booked_at` integer;