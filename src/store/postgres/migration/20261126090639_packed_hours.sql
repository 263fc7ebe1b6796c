CREATE TABLE "ledger_hours" (
	"id" text PRIMARY KEY NOT NULL,
	"started_at" timestamp (3) with time zone NOT NULL,
	"sums" integer NOT NULL,
	"body" text NOT NULL
);
--> statement-breakpoint
CREATE INDEX "ledger_hours_time" ON "ledger_hours" USING btree ("started_at","sums");