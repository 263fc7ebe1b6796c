// `tokligence admin users list`: everyone, oldest first.

import { defineCommand } from "citty";
import { printUser } from "../../../identity/index.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { runWithStore } from "../../open.ts";
import { printJson, printTable } from "../../output.ts";

export default defineCommand({
  meta: { name: "list", description: "List users" },
  args: SHARED_ARGS,
  async run({ args }) {
    const users = await runWithStore(args, ({ directory }) => directory.listUsers());
    const rows = users.map(printUser);
    if (args.json === true) return printJson({ users: rows });
    printTable(
      rows.map((row) => ({ ...row, name: row.display_name })),
      ["id", "email", "role", "status", "name"],
    );
  },
});
