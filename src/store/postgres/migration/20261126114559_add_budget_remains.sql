CREATE TABLE "budget_remains" (
	"id" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"budget_id" text NOT NULL,
	"window_end" timestamp (3) with time zone,
	"chain" text NOT NULL,
	"spent" bigint NOT NULL,
	"unpriced" bigint NOT NULL
);
--> statement-breakpoint
CREATE INDEX "budget_remains_account" ON "budget_remains" USING btree ("account_id");--> statement-breakpoint
CREATE INDEX "budget_remains_end" ON "budget_remains" USING btree ("window_end");