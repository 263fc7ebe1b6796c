DROP TABLE `stored_responses`;--> statement-breakpoint
CREATE TABLE `stored_responses` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`provider` text NOT NULL,
	`model` text NOT NULL,
	`previous_id` text,
	`is_upstream` integer NOT NULL,
	`input` text NOT NULL,
	`body` text NOT NULL,
	`bytes` integer NOT NULL,
	`lease_until` integer,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `stored_responses_owner` ON `stored_responses` (`user_id`,`created_at`,`bytes`);--> statement-breakpoint
CREATE INDEX `stored_responses_age` ON `stored_responses` (`expires_at`,`bytes`);--> statement-breakpoint
CREATE TABLE `stored_items` (
	`id` text PRIMARY KEY NOT NULL,
	`response_id` text NOT NULL,
	FOREIGN KEY (`response_id`) REFERENCES `stored_responses`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `stored_items_response` ON `stored_items` (`response_id`);
