DELETE FROM `ledger_rollups`;--> statement-breakpoint
UPDATE `ledger_marks` SET `seq` = 0;