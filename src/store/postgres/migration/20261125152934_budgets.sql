CREATE TABLE "budget_alerts" (
	"id" text PRIMARY KEY NOT NULL,
	"budget_id" text NOT NULL,
	"window_end" timestamp (3) with time zone,
	"told_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "budget_grants" (
	"id" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"budget_id" text NOT NULL,
	"subject" text NOT NULL,
	"window_start" timestamp (3) with time zone NOT NULL,
	"window_end" timestamp (3) with time zone,
	"holder" text NOT NULL,
	"granted" bigint NOT NULL,
	"spent" bigint NOT NULL,
	"held" bigint NOT NULL,
	"wanted" bigint NOT NULL,
	"refusals" bigint NOT NULL,
	"unpriced" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "budgets" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"user_id" text,
	"api_key_id" text,
	"provider" text,
	"model" text,
	"tag" text,
	"each" text,
	"unit" text NOT NULL,
	"hard_limit" bigint,
	"soft_limit" bigint,
	"period" text NOT NULL,
	"time_zone" text NOT NULL,
	"mode" text NOT NULL,
	"unpriced" text NOT NULL,
	"alert_percents" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"deleted_at" timestamp (3) with time zone,
	"revision" bigint NOT NULL
);
--> statement-breakpoint
CREATE INDEX "budget_alerts_end" ON "budget_alerts" USING btree ("window_end");--> statement-breakpoint
CREATE INDEX "budget_grants_account" ON "budget_grants" USING btree ("account_id");--> statement-breakpoint
CREATE INDEX "budget_grants_holder" ON "budget_grants" USING btree ("holder");--> statement-breakpoint
CREATE INDEX "budget_grants_end" ON "budget_grants" USING btree ("window_end");--> statement-breakpoint
CREATE UNIQUE INDEX "budgets_name" ON "budgets" USING btree ("name") WHERE "budgets"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "budgets_revision" ON "budgets" USING btree ("revision");