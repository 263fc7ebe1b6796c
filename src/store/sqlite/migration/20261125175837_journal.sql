CREATE TABLE `ledger_places` (
	`slot` integer PRIMARY KEY NOT NULL,
	`segment` integer NOT NULL,
	`bytes` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `ledger_refused` (
	`id` text PRIMARY KEY NOT NULL,
	`reason` text NOT NULL,
	`body` text,
	`refused_at` integer NOT NULL
);
