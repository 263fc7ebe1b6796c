CREATE TABLE `budget_remains` (
	`id` text PRIMARY KEY NOT NULL,
	`account_id` text NOT NULL,
	`budget_id` text NOT NULL,
	`window_end` integer,
	`chain` text NOT NULL,
	`spent` integer NOT NULL,
	`unpriced` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `budget_remains_account` ON `budget_remains` (`account_id`);--> statement-breakpoint
CREATE INDEX `budget_remains_end` ON `budget_remains` (`window_end`);