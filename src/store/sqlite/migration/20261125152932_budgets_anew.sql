DROP TABLE `budget_grants`;--> statement-breakpoint
DROP TABLE `budgets`;