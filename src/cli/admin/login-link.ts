// `tokligence admin login-link`: a link that signs somebody in, once. Whoever can read the database is an administrator already, so it gives no power.

import { defineCommand } from "citty";
import { findAddress } from "../../config/index.ts";
import { createSignIn } from "../../identity/index.ts";
import { SHARED_ARGS } from "../flags.ts";
import { byOperator, runWithStore } from "../open.ts";
import { print, printJson, say } from "../output.ts";
import { readDuration, refuseValue } from "../value.ts";

export default defineCommand({
  meta: { name: "login-link", description: "Make a link that signs a user in, once" },
  args: {
    email: { type: "string", description: "Whose; unless said, the root administrator's", valueHint: "EMAIL" },
    ttl: { type: "string", default: "15m", description: "How long it works, at most a week", valueHint: "TIME" },
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const ttlMs = readDuration("ttl", args.ttl);
    if (ttlMs <= 0 || ttlMs > WEEK_MS) throw refuseValue("ttl", "a link works for a week at most");
    const made = await runWithStore(args, async ({ config, store }) => {
      const signIn = createSignIn({ store: store.identity, now: Date.now });
      const { token, of, user } = await signIn.makeLink(args.email ?? config.adminEmail, {
        kind: "hand-out",
        ttlMs,
        by: byOperator(),
      });
      return {
        url: `${findAddress(config)}/ui/login#${token}`,
        email: user.email,
        expires_at: of.expiresAt.toISOString(),
      };
    });
    if (args.json === true) return printJson(made);
    print(made.url);
    say(`It signs ${made.email} in, once, until ${made.expires_at}.`);
  },
});

const WEEK_MS = 7 * 24 * 60 * 60 * 1000;
