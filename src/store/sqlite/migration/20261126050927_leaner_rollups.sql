DROP INDEX `ledger_rollups_user`;--> statement-breakpoint
DROP INDEX `ledger_rollups_key`;