CREATE TABLE `budget_alerts` (
	`id` text PRIMARY KEY NOT NULL,
	`budget_id` text NOT NULL,
	`window_end` integer,
	`told_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `budget_alerts_end` ON `budget_alerts` (`window_end`);--> statement-breakpoint
CREATE TABLE `budget_grants` (
	`id` text PRIMARY KEY NOT NULL,
	`account_id` text NOT NULL,
	`budget_id` text NOT NULL,
	`subject` text NOT NULL,
	`window_start` integer NOT NULL,
	`window_end` integer,
	`holder` text NOT NULL,
	`granted` integer NOT NULL,
	`spent` integer NOT NULL,
	`held` integer NOT NULL,
	`wanted` integer NOT NULL,
	`refusals` integer NOT NULL,
	`unpriced` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `budget_grants_account` ON `budget_grants` (`account_id`);--> statement-breakpoint
CREATE INDEX `budget_grants_holder` ON `budget_grants` (`holder`);--> statement-breakpoint
CREATE INDEX `budget_grants_end` ON `budget_grants` (`window_end`);--> statement-breakpoint
CREATE TABLE `budgets` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`user_id` text,
	`api_key_id` text,
	`provider` text,
	`model` text,
	`tag` text,
	`each` text,
	`unit` text NOT NULL,
	`hard_limit` integer,
	`soft_limit` integer,
	`period` text NOT NULL,
	`time_zone` text NOT NULL,
	`mode` text NOT NULL,
	`unpriced` text NOT NULL,
	`alert_percents` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`deleted_at` integer,
	`revision` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `budgets_name` ON `budgets` (`name`) WHERE "budgets"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX `budgets_revision` ON `budgets` (`revision`);