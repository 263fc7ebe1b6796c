CREATE TABLE `route_versions` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`version` integer NOT NULL,
	`fields` text,
	`comment` text,
	`author` text NOT NULL,
	`author_id` text,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `route_versions_name` ON `route_versions` (`name`,`version`);