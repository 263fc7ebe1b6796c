ALTER TABLE `object_bindings` ADD `key_id` text;--> statement-breakpoint
ALTER TABLE `object_bindings` ADD `tags` text;--> statement-breakpoint
CREATE INDEX `object_bindings_family` ON `object_bindings` (`family`,`created_at`);