DROP TABLE "budget_grants" CASCADE;--> statement-breakpoint
DROP TABLE "budgets" CASCADE;