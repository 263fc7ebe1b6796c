CREATE INDEX `users_role` ON `users` (`role`,`id`) WHERE "users"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX `users_role_status` ON `users` (`role`,`status`,`id`) WHERE "users"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX `users_search` ON `users` (`email`,`role`,`status`) WHERE "users"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX `users_status` ON `users` (`status`,`id`) WHERE "users"."deleted_at" is null;