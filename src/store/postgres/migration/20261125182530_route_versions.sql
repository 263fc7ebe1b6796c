CREATE TABLE "route_versions" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"version" bigint NOT NULL,
	"fields" jsonb,
	"comment" text,
	"author" text NOT NULL,
	"author_id" text,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX "route_versions_name" ON "route_versions" USING btree ("name","version");