CREATE TABLE "ledger_places" (
	"slot" integer PRIMARY KEY NOT NULL,
	"segment" bigint NOT NULL,
	"bytes" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "ledger_refused" (
	"id" text PRIMARY KEY NOT NULL,
	"reason" text NOT NULL,
	"body" text,
	"refused_at" timestamp (3) with time zone NOT NULL
);
