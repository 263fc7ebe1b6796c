// `tokligence admin login-link`: a link that signs somebody in, once. Whoever can read the database is an administrator already, so it gives no power.

import { defineCommand } from "citty";
import { PLACE_ARGS } from "../flags.ts";
import { print, printJson, say } from "../output.ts";
import { runAtPlace } from "../place.ts";
import { readDuration, refuseValue } from "../value.ts";
import { handLink } from "./people.ts";

export default defineCommand({
  meta: { name: "login-link", description: "Make a link that signs a user in, once" },
  args: {
    email: { type: "string", description: "Whose; unless said, the root administrator's", valueHint: "EMAIL" },
    ttl: { type: "string", default: "15m", description: "How long it works, at most a week", valueHint: "TIME" },
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const ttlMs = readDuration("ttl", args.ttl);
    if (ttlMs <= 0 || ttlMs > WEEK_MS)
      throw refuseValue("ttl", ttlMs <= 0 ? "a link must work for some time" : "a link works for a week at most");
    const made = await runAtPlace(args, (place) => handLink(place, { email: args.email, ttlMs }));
    if (args.json === true) return printJson(made);
    print(made.url);
    say(`It signs ${made.email} in, once, until ${made.expires_at}.`);
  },
});

const WEEK_MS = 7 * 24 * 60 * 60 * 1000;
