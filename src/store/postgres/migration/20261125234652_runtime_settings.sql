CREATE TABLE "runtime_settings" (
	"name" text PRIMARY KEY NOT NULL,
	"version" bigint NOT NULL,
	"fields" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL
);
