CREATE TABLE "outside_identities" (
	"id" text PRIMARY KEY NOT NULL,
	"user_id" text NOT NULL,
	"issuer" text NOT NULL,
	"subject" text NOT NULL,
	"email" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"last_used_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sign_in_errands" (
	"id" text PRIMARY KEY NOT NULL,
	"hash" text NOT NULL,
	"issuer" text NOT NULL,
	"return_to" text NOT NULL,
	"user_id" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"used_at" timestamp (3) with time zone
);
--> statement-breakpoint
ALTER TABLE "outside_identities" ADD CONSTRAINT "outside_identities_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sign_in_errands" ADD CONSTRAINT "sign_in_errands_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "outside_identities_subject" ON "outside_identities" USING btree ("issuer","subject");--> statement-breakpoint
CREATE UNIQUE INDEX "outside_identities_user" ON "outside_identities" USING btree ("user_id","issuer");--> statement-breakpoint
CREATE UNIQUE INDEX "sign_in_errands_hash" ON "sign_in_errands" USING btree ("hash");--> statement-breakpoint
CREATE INDEX "sign_in_errands_expiry" ON "sign_in_errands" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "sign_in_errands_user" ON "sign_in_errands" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "sessions_expiry" ON "sessions" USING btree ("expires_at");