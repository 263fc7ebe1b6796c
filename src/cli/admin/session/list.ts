// `tokligence admin sessions list`: who is signed in, newest first, a page at a time.

import { defineCommand } from "citty";
import { printSession } from "../../../identity/index.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { OPERATOR } from "../../open.ts";
import { printJson, printTable, say } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { openSessions } from "../people.ts";
import { readInteger } from "../../value.ts";

export default defineCommand({
  meta: { name: "list", description: "List sessions, newest first" },
  args: {
    user: { type: "string", description: "Id or e-mail of a user; unless said, everyone's", valueHint: "USER" },
    limit: { type: "string", default: "100", description: "Sessions at most, up to 1000", valueHint: "N" },
    cursor: { type: "string", description: "Go on where the page before ended", valueHint: "CURSOR" },
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const limit = readInteger("limit", args.limit, { least: 1, most: 1_000 });
    const page = await runAtPlace(args, (place) =>
      openSessions(place).page(OPERATOR, args.user ?? null, { limit, cursor: args.cursor ?? null }),
    );
    const rows = page.items.map(({ session, email }) => ({ ...printSession(session), email }));
    if (args.json === true) return printJson({ sessions: rows, next_cursor: page.nextCursor });
    printTable(rows, ["id", "email", "created_at", "last_seen_at", "expires_at", "address", "user_agent"]);
    if (page.nextCursor !== null) say(`There are more: --cursor ${page.nextCursor}`);
  },
});
