CREATE TABLE `object_bindings` (
	`id` text PRIMARY KEY NOT NULL,
	`object_id` text NOT NULL,
	`provider` text NOT NULL,
	`user_id` text NOT NULL,
	`family` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `object_bindings_object` ON `object_bindings` (`object_id`);--> statement-breakpoint
CREATE INDEX `object_bindings_user` ON `object_bindings` (`user_id`,`family`);--> statement-breakpoint
CREATE TABLE `stored_responses` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`provider` text NOT NULL,
	`model` text NOT NULL,
	`previous_id` text,
	`is_upstream` integer NOT NULL,
	`input` text NOT NULL,
	`body` text,
	`bytes` integer NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `stored_responses_user` ON `stored_responses` (`user_id`,`created_at`);--> statement-breakpoint
CREATE INDEX `stored_responses_expiry` ON `stored_responses` (`expires_at`);--> statement-breakpoint
ALTER TABLE `api_keys` ADD `strict` integer DEFAULT false NOT NULL;