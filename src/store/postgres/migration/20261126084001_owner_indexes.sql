DROP INDEX "ledger_entries_user";--> statement-breakpoint
DROP INDEX "ledger_entries_key";