CREATE TABLE `audit_chain` (
	`id` text PRIMARY KEY NOT NULL,
	`chain` text NOT NULL,
	`seq` integer NOT NULL,
	`hash` text NOT NULL,
	`started_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `audit_changes` (
	`id` text PRIMARY KEY NOT NULL,
	`chain` text NOT NULL,
	`seq` integer NOT NULL,
	`at` integer NOT NULL,
	`actor` text NOT NULL,
	`actor_id` text,
	`actor_name` text,
	`key_id` text,
	`address` text,
	`request_id` text,
	`action` text NOT NULL,
	`subject_kind` text NOT NULL,
	`subject_id` text,
	`before` text,
	`after` text,
	`previous` text NOT NULL,
	`hash` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `audit_changes_chain` ON `audit_changes` (`chain`,`seq`);--> statement-breakpoint
CREATE INDEX `audit_changes_time` ON `audit_changes` (`at`,`id`);--> statement-breakpoint
CREATE INDEX `audit_changes_subject` ON `audit_changes` (`subject_id`,`at`,`id`);--> statement-breakpoint
CREATE INDEX `audit_changes_actor` ON `audit_changes` (`actor_id`,`at`,`id`);--> statement-breakpoint
CREATE TABLE `audit_heads` (
	`id` text PRIMARY KEY NOT NULL,
	`chain` text NOT NULL,
	`seq` integer NOT NULL,
	`hash` text NOT NULL,
	`reason` text NOT NULL,
	`signed_at` integer NOT NULL,
	`previous` text,
	`public_key` text NOT NULL,
	`signature` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `audit_heads_chain` ON `audit_heads` (`chain`,`seq`);