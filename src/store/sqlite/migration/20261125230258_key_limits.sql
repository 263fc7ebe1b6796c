ALTER TABLE `api_keys` ADD `limits` text;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `tags` text;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `former` text;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `revoked_at` integer;