CREATE TABLE `runtime_settings` (
	`name` text PRIMARY KEY NOT NULL,
	`version` integer NOT NULL,
	`fields` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
