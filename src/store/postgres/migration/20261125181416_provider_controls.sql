CREATE TABLE "provider_controls" (
	"id" text PRIMARY KEY NOT NULL,
	"provider" text NOT NULL,
	"account" text,
	"model" text,
	"action" text NOT NULL,
	"by" text NOT NULL,
	"since" timestamp (3) with time zone NOT NULL
);
