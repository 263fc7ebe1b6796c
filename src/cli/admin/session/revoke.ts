// `tokligence admin sessions revoke`: signs out one browser, one user, or everyone. A gateway that runs knows it within a second.

import { defineCommand } from "citty";
import { CliError, EXIT } from "../../error.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { OPERATOR } from "../../open.ts";
import { count, print, printJson } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { openSessions } from "../people.ts";

export default defineCommand({
  meta: { name: "revoke", description: "End a session, all of a user, or everyone's" },
  args: {
    id: { type: "string", description: "Id of the session", valueHint: "SESSION" },
    user: { type: "string", description: "Id or e-mail of a user: all of the user's", valueHint: "USER" },
    all: { type: "boolean", description: "Everyone's" },
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const { id, user } = args;
    const isAll = args.all === true;
    if ([id !== undefined, user !== undefined, isAll].filter(Boolean).length !== 1) {
      throw new CliError("Which sessions are to end?", {
        exitCode: EXIT.usage,
        hint: "Give one of --id, --user and --all. tokligence admin sessions list shows them.",
      });
    }
    const ended = await runAtPlace(args, async (place) => {
      const sessions = openSessions(place);
      if (user !== undefined) return sessions.endOf(OPERATOR, user, null);
      if (id === undefined) return sessions.endAll(OPERATOR, null);
      await sessions.end(OPERATOR, id);
      return 1;
    });
    if (args.json === true) return printJson({ ended });
    print(`${count(ended, "session")} ended`);
  },
});
