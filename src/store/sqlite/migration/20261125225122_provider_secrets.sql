CREATE TABLE `provider_secrets` (
	`id` text PRIMARY KEY NOT NULL,
	`provider` text NOT NULL,
	`field` text NOT NULL,
	`bound_to` text NOT NULL,
	`key_id` text NOT NULL,
	`nonce` text NOT NULL,
	`ciphertext` text NOT NULL,
	`hint` text NOT NULL,
	`set_at` integer NOT NULL,
	`set_by` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `provider_versions` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`version` integer NOT NULL,
	`fields` text,
	`secrets` text NOT NULL,
	`comment` text,
	`author` text NOT NULL,
	`author_id` text,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `provider_versions_name` ON `provider_versions` (`name`,`version`);