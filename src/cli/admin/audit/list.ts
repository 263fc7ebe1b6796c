// `tokligence admin audit list`: who changed what, newest first, a page at a time.

import { defineCommand } from "citty";
import { describeChange, nameSubject, printChange } from "../../../audit/index.ts";
import type { ChangeRow } from "../../../lib/change.ts";
import { printJson, printTable, say } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { readInteger } from "../../value.ts";
import { openChanges } from "./desk.ts";
import { FILTER_ARGS, readFilter } from "./filter.ts";

export default defineCommand({
  meta: { name: "list", description: "Print who changed what, newest first" },
  args: {
    ...FILTER_ARGS,
    limit: { type: "string", default: "20", description: "Changes at most, up to 1000", valueHint: "N" },
    cursor: { type: "string", description: "Go on where the page before ended", valueHint: "CURSOR" },
  },
  async run({ args }) {
    const limit = readInteger("limit", args.limit, { least: 1, most: 1_000 });
    const page = await runAtPlace(args, async (place) =>
      openChanges(place).page(await readFilter(args, place), limit, args.cursor ?? null),
    );
    if (args.json === true) {
      return printJson({ changes: page.changes.map(printChange), next_cursor: page.nextCursor });
    }
    printTable(page.changes.map(toRow), ["time", "who", "from", "action", "subject", "change"]);
    if (page.nextCursor !== null) say(`There are more: --cursor ${page.nextCursor}`);
  },
});

const WIDE = 100;

function toRow(row: ChangeRow) {
  const change = describeChange(row);
  const name = row.actorName ?? row.actorId;
  return {
    time: row.at,
    who: row.actor === "user" ? name : name === null ? row.actor : `${row.actor} ${name}`,
    from: row.address ?? "-",
    action: row.action,
    subject: nameSubject(row),
    change: change.length > WIDE ? `${change.slice(0, WIDE)}…` : change,
  };
}
