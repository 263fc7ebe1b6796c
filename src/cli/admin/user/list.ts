// `tokligence admin users list`: everyone, oldest first, or those who are meant.

import { defineCommand } from "citty";
import { type Page, type User, type UserWish, printUser } from "../../../identity/index.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { printJson, printTable, say } from "../../output.ts";
import { type Place, runAtPlace } from "../../place.ts";
import { createTrail } from "../../remote/client.ts";
import { readInteger } from "../../value.ts";

export default defineCommand({
  meta: { name: "list", description: "List users" },
  args: {
    role: { type: "string", description: "Only gateway_user, gateway_admin or root_admin", valueHint: "ROLE" },
    status: { type: "string", description: "Only active or suspended", valueHint: "STATUS" },
    email: {
      type: "string",
      description: "Only addresses that begin like this, in their order",
      valueHint: "BEGINNING",
    },
    limit: { type: "string", description: "A page of so many, up to 1000, instead of all", valueHint: "N" },
    cursor: { type: "string", description: "Go on where the page before ended", valueHint: "CURSOR" },
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const { role, status, email, cursor = null } = args;
    const limit = args.limit === undefined ? null : readInteger("limit", args.limit, { least: 1, most: PAGE });
    const wish = { role, status, email };
    const page = await runAtPlace(args, ({ directory }) =>
      limit === null ? readAll(directory, wish, cursor) : directory.pageUsers(wish, { limit, cursor }),
    );
    const rows = page.items.map(printUser);
    if (args.json === true) return printJson({ users: rows, next_cursor: page.nextCursor });
    printTable(
      rows.map((row) => ({ ...row, name: row.display_name })),
      ["id", "email", "role", "status", "name"],
    );
    if (page.nextCursor !== null) say(`There are more: --cursor ${page.nextCursor}`);
  },
});

const PAGE = 1_000;

async function readAll(directory: Place["directory"], wish: UserWish, cursor: string | null): Promise<Page<User>> {
  const items: User[] = [];
  const follow = createTrail();
  for (let next = cursor; ;) {
    const page = await directory.pageUsers(wish, { limit: PAGE, cursor: next });
    items.push(...page.items);
    next = follow(page.nextCursor);
    if (next === null) return { items, nextCursor: null };
  }
}
