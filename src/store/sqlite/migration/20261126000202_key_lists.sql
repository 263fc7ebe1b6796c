CREATE INDEX `api_keys_prefix` ON `api_keys` (`key_prefix`,`id`);--> statement-breakpoint
CREATE INDEX `api_keys_former` ON `api_keys` (`id`) WHERE "api_keys"."former" is not null;--> statement-breakpoint
CREATE INDEX `api_keys_tagged` ON `api_keys` (`id`) WHERE "api_keys"."tags" is not null;--> statement-breakpoint
CREATE INDEX `audit_changes_action` ON `audit_changes` (`action`,`at`,`id`);--> statement-breakpoint
CREATE INDEX `audit_changes_key` ON `audit_changes` (`key_id`,`at`,`id`);--> statement-breakpoint
CREATE INDEX `audit_changes_name` ON `audit_changes` (`actor_name`,`at`,`id`);