// `tokligence admin users show`: one user, with what is signed in and which keys there are.

import { defineCommand } from "citty";
import { createSignIn, printKey, printSession, printUser } from "../../../identity/index.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { runWithStore } from "../../open.ts";
import { makePlain, print, printJson } from "../../output.ts";

export default defineCommand({
  meta: { name: "show", description: "Show a user, with keys and sessions" },
  args: {
    id: { type: "string", required: true, description: "Id or e-mail of the user", valueHint: "USER" },
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const { user, keys, sessions } = await runWithStore(args, async ({ directory, store }) => {
      const found = await directory.getUser(args.id);
      return {
        user: found,
        keys: await directory.listKeys(found.id),
        sessions: await createSignIn({ store: store.identity, now: Date.now }).listSessions(found.id),
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
