// `tokligence admin users show`: one user, with what is signed in and which keys there are.

import { defineCommand } from "citty";
import { printKey, printSession, printUser } from "../../../identity/index.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { makePlain, print, printJson } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { listSessions } from "../people.ts";

export default defineCommand({
  meta: { name: "show", description: "Show a user, with keys and sessions" },
  args: {
    id: { type: "string", required: true, description: "Id or e-mail of the user", valueHint: "USER" },
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const { user, keys, sessions } = await runAtPlace(args, async (place) => {
      const { directory } = place;
      const found = await directory.getUser(args.id);
      return {
        user: found,
        keys: await directory.listKeys(found.id),
        sessions: await listSessions(place, found.id),
      };
    });
    if (args.json === true) {
      return printJson({
        user: printUser(user),
        api_keys: keys.map(printKey),
        sessions: sessions.map((session) => printSession(session)),
      });
    }
    const { display_name: name, ...rest } = printUser(user);
    const facts = { ...rest, name: name ?? "-", api_keys: keys.length, sessions: sessions.length };
    for (const [label, value] of Object.entries(facts)) {
      print(`${label.replaceAll("_", " ").padEnd(12)}${makePlain(String(value))}`);
    }
  },
});
