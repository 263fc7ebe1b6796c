CREATE TABLE `outside_identities` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`issuer` text NOT NULL,
	`subject` text NOT NULL,
	`email` text,
	`created_at` integer NOT NULL,
	`last_used_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `outside_identities_subject` ON `outside_identities` (`issuer`,`subject`);--> statement-breakpoint
CREATE UNIQUE INDEX `outside_identities_user` ON `outside_identities` (`user_id`,`issuer`);--> statement-breakpoint
CREATE TABLE `sign_in_errands` (
	`id` text PRIMARY KEY NOT NULL,
	`hash` text NOT NULL,
	`issuer` text NOT NULL,
	`return_to` text NOT NULL,
	`user_id` text,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`used_at` integer,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `sign_in_errands_hash` ON `sign_in_errands` (`hash`);--> statement-breakpoint
CREATE INDEX `sign_in_errands_expiry` ON `sign_in_errands` (`expires_at`);--> statement-breakpoint
CREATE INDEX `sign_in_errands_user` ON `sign_in_errands` (`user_id`);--> statement-breakpoint
CREATE INDEX `sessions_expiry` ON `sessions` (`expires_at`);